"""Cells before and after training: their identity, their data, what their answers are worth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clism_ray.config_file import parse
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig
from clism_ray.errors import InputError
from clism_ray.finetune.cell import IDS, PARTS, CellResult, read_items, read_result, write_result
from clism_ray.finetune.check import check_cells
from clism_ray.finetune.load import load_task
from clism_ray.finetune.plan import cells_of, plan_cell
from clism_ray.finetune.share import token_share
from clism_ray.finetune.task import Task
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.export import SPAN_HEAD
from clism_ray.model.fingerprint import fingerprint
from clism_ray.tasks.ner_scores import f1
from tests.tasks_data import write_encoder, write_questions, write_sentences

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    write_encoder(folder / "encoder")
    write_questions(folder / "train.json", 0, 12)
    write_questions(folder / "test.en.json", 100, 7)
    write_sentences(folder / "train.tags", 0, 12)
    write_sentences(folder / "test.en.tags", 100, 7)
    return folder


def task_of(data: Path, kind: str) -> dict[str, Any]:
    if kind == "ner":
        tests = {"panx": {"path": str(data / "test.{language}.tags"), "languages": ["en"]}}
        return {"train": str(data / "train.tags"), "tests": tests, "format": "wikiann"}
    tests = {"xquad": {"path": str(data / "test.{language}.json"), "languages": ["en"]}}
    sizes = {"max_tokens": 90, "stride": 10, "max_question_tokens": 60}
    return {"train": str(data / "train.json"), "tests": tests, **sizes}


def cell(data: Path, kind: str, **changes: Any) -> FinetuneConfig:
    tree = {
        "name": "cell",
        "model": {"path": str(data / "encoder")},
        kind: task_of(data, kind),
        "optimizer": {"learning_rate": 1e-3},
        "length": {"steps": 2},
        **changes,
    }
    return parse(FinetuneConfig, tree)


@pytest.mark.parametrize("kind", ["qa", "ner"])
@pytest.mark.parametrize("form", ["question", "plain"])
def test_a_task_trains_and_tests_the_same_on_any_number_of_workers(
    data: Path, kind: str, form: str
) -> None:
    config = cell(data, kind, form=form, size=5)
    task = load_task(config)
    assert task.train.examples == 5
    task.model.eval()
    rows = list(range(task.rows))
    whole = task.loss(task.model, rows, CPU)
    parts = sum(task.loss(task.model, [row], CPU) for row in rows)
    torch.testing.assert_close(whole, parts)
    assert task.targets(rows) == sum(task.targets([row]) for row in rows) > 0
    assert task.loss(task.model, [], CPU).item() == task.targets([]) == 0

    (file,) = next(iter(config.task.tests.values())).files("test")
    one = task.judge(file, [task.predict(file, 0, 1, 3)])
    three = task.judge(file, [task.predict(file, rank, 3, 3) for rank in range(3)])
    assert one.metrics == three.metrics
    assert one.predictions == three.predictions
    assert len(one.predictions) == 7
    for name in one.items:
        np.testing.assert_array_equal(one.items[name], three.items[name])
    _check_metrics(kind, one.metrics, one.items)


def _check_metrics(kind: str, metrics: dict[str, float], items: dict[str, Any]) -> None:
    """Totals are made of the items."""
    if kind == "ner":
        assert metrics["f1"] == pytest.approx(float(f1(items["counts"].sum((0, 1)))))
    else:
        assert metrics["squad_f1"] == pytest.approx(items["squad_f1"].mean())


def test_equal_seeds_give_equal_models_and_others_do_not(data: Path) -> None:
    def first_weights(seed: int) -> torch.Tensor:
        task: Task = load_task(cell(data, "ner", seed=seed))
        return next(p for n, p in task.model.named_parameters() if n == "classifier.weight")

    torch.testing.assert_close(first_weights(1), first_weights(1))
    assert not torch.equal(first_weights(1), first_weights(2))


def test_identity_follows_what_decides_the_scores_and_nothing_else(
    data: Path, tmp_path: Path
) -> None:
    known = plan_cell(cell(data, "qa"), "ours", tmp_path).identity
    same = cell(data, "qa", name="other", storage="/x", scaling={"workers": 7}, export=False)
    assert plan_cell(same, "ours", tmp_path).identity == known
    for changes in ({"seed": 2}, {"form": "plain"}, {"precision": "bf16"}, {"size": 3}):
        assert plan_cell(cell(data, "qa", **changes), "ours", tmp_path).identity != known
    write_questions(tmp_path / "train.json", 1, 12)
    moved = {**task_of(data, "qa"), "train": str(tmp_path / "train.json")}
    assert plan_cell(cell(data, "qa", qa=moved), "ours", tmp_path).identity != known


def test_paths_are_absolute_before_workers_meet_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    relative = {
        "train": "train.json",
        "tests": {"xquad": {"path": "test.{language}.json", "languages": ["en"]}},
        "max_tokens": 90,
        "stride": 10,
        "max_question_tokens": 60,
    }
    config = cell(data, "qa", qa=relative, model={"path": "encoder"})
    planned = plan_cell(config, "ours", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert planned.identity == plan_cell(cell(data, "qa"), "ours", tmp_path).identity
    check_cells([planned])
    assert load_task(planned.config).rows


def test_a_folder_is_named_by_its_files(data: Path, tmp_path: Path) -> None:
    one, copy = cell(data, "qa").model.path, write_encoder(tmp_path / "copy")
    assert fingerprint(one, None) == fingerprint(str(copy), None)
    (copy / "model.safetensors").write_bytes(b"other")
    assert fingerprint(one, None) != fingerprint(str(copy), None)
    assert fingerprint("org/model", "abc") == "org/model@abc"


NEW_ONES = ("precision", "n_best", "constrained", "weight_decay")  # keys with defaults


def result_of(data: Path, task: str, identity: dict[str, Any]) -> CellResult:
    return CellResult(
        name="x",
        task=task,
        model="ours",
        form="question",
        size=2,
        sample=1,
        seed=1,
        identity=identity,
        identity_hash="0" * 16,
        train=load_task(cell(data, task, size=2)).train,
        steps=3,
        loss=1.5,
        head="drawn",
        seconds=2.0,
        scores={},
    )


def test_a_result_comes_back_as_it_was_written(tmp_path: Path, data: Path) -> None:
    result = result_of(data, "qa", {"a": [1]})
    assert read_result(tmp_path) is None
    items = {"xquad/en": {"squad_f1": np.array([1.0, 0.0])}}
    write_result(tmp_path, result, items, {"xquad/en": {"q1": "a"}})
    assert read_result(tmp_path) == result
    np.testing.assert_array_equal(
        read_items(tmp_path)["xquad/en"]["squad_f1"], items["xquad/en"]["squad_f1"]
    )
    with pytest.raises(InputError, match=r"exists in .* with other settings"):
        plan_cell(cell(data, "qa", size=2), "ours", tmp_path)


@pytest.mark.parametrize("task", ["qa", "ner"])
def test_a_cell_that_was_done_before_a_setting_existed_is_done_still(
    data: Path, tmp_path: Path, task: str
) -> None:
    config = cell(data, task, size=2)
    identity = plan_cell(config, "ours", tmp_path).identity
    for older in (identity, identity[task], identity["optimizer"]):
        older.pop(next(key for key in reversed(older) if key in NEW_ONES))
    write_result(tmp_path, result_of(data, task, identity), {}, {})
    assert plan_cell(config, "ours", tmp_path).done
    other = {"optimizer": {"learning_rate": 1e-3, "weight_decay": 0.5}}
    with pytest.raises(InputError, match=r"optimizer\.weight_decay"):
        plan_cell(cell(data, task, size=2, **other), "ours", tmp_path)


def test_a_grid_has_a_cell_for_every_model_form_size_and_sample(data: Path, tmp_path: Path) -> None:
    tree = {
        "name": "grid",
        "models": {
            "a": {"path": str(data / "encoder")},
            "b": {"path": str(data / "encoder"), "forms": ["plain", "question"]},
        },
        "baseline": "a",
        "ner": task_of(data, "ner"),
        "sizes": [4, None],
        "samples": [1, 2],
        "optimizer": {"learning_rate": 1e-3},
        "length": {"steps": 2},
    }
    cells = cells_of(parse(EvaluateConfig, tree), tmp_path)
    assert len(cells) == len({one.folder for one in cells}) == 12
    assert cells[0].folder.name == "a.question.4.1"
    assert cells[-1].folder.name == "b.question.all.2"
    assert {one.config.seed for one in cells} == {1, 2}
    check_cells(cells)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size": 13}, "12 examples; a sample of 13"),
        ({"model": {"path": "/nowhere"}}, "/nowhere: no such folder"),
        ({"ner": {"max_tokens": 500}}, "max_tokens of a window"),
        ({"ner": {"max_tokens": 2}}, "a window takes at least"),
        ({"ner": {"types": ["NAME"]}}, "none of those to be trained .NAME.;"),
    ],
)
def test_what_a_cell_would_meet_is_told_before_it_starts(
    data: Path, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    changes = {
        key: {**task_of(data, "ner"), **v} if key == "ner" else v for key, v in changes.items()
    }
    config = cell(data, "ner", **changes)
    with pytest.raises(InputError, match=told):
        check_cells([plan_cell(config, "ours", tmp_path)])


def test_a_type_that_is_only_tested_is_told_before_training(data: Path, tmp_path: Path) -> None:
    (tmp_path / "test.en.tags").write_text("en:Ada\tB-GOD\n", encoding="utf-8")
    tests = {"panx": {"path": str(tmp_path / "test.{language}.tags"), "languages": ["en"]}}
    ner = {**task_of(data, "ner"), "tests": tests}
    with pytest.raises(InputError, match="entity type 'GOD' is none of those to be trained"):
        check_cells([plan_cell(cell(data, "ner", ner=ner), "ours", tmp_path)])
    types = load_task(cell(data, "ner")).tags.types  # type: ignore[attr-defined]
    known = {**ner, "types": ["GOD", *types]}
    check_cells([plan_cell(cell(data, "ner", ner=known), "ours", tmp_path)])


def test_a_type_that_is_left_out_of_those_to_train_is_told_with_its_file(
    data: Path, tmp_path: Path
) -> None:
    known = load_task(cell(data, "ner")).tags.types  # type: ignore[attr-defined]
    fewer = {**task_of(data, "ner"), "types": known[1:]}
    told = rf"train\.tags: entity type '{known[0]}' is none of those"
    with pytest.raises(InputError, match=told):
        check_cells([plan_cell(cell(data, "ner", ner=fewer), "ours", tmp_path)])


def test_parallel_files_that_share_no_id_are_refused_before_training(
    data: Path, tmp_path: Path
) -> None:
    for language, first in (("en", 100), ("de", 100), ("zh", 300)):
        write_questions(tmp_path / f"test.{language}.json", first, 5)
    tests = {"path": str(tmp_path / "test.{language}.json"), "languages": ["en", "de"]}

    def check(**changes: Any) -> None:
        qa = {**task_of(data, "qa"), "tests": {"xquad": {**tests, "parallel": True, **changes}}}
        check_cells([plan_cell(cell(data, "qa", qa=qa), "ours", tmp_path / "cell")])

    check()
    check(shown=["zh"])
    check(languages=["en", "zh"], parallel=False)
    with pytest.raises(InputError, match=r"test\.zh\.json: shares no id .* move zh to `shown`"):
        check(languages=["en", "de", "zh"])
    with pytest.raises(InputError, match=r"test\.zh\.json: shares no id"):
        check(languages=["zh", "en", "de"])


def test_whether_shared_ids_are_translations_has_to_be_said(data: Path, tmp_path: Path) -> None:
    for language, first in (("en", 100), ("de", 100), ("zh", 300)):
        write_questions(tmp_path / f"test.{language}.json", first, 5)
    path = str(tmp_path / "test.{language}.json")

    def check(**tests: Any) -> None:
        qa = {**task_of(data, "qa"), "tests": {"xquad": {"path": path, **tests}}}
        check_cells([plan_cell(cell(data, "qa", qa=qa), "ours", tmp_path / "cell")])

    check(languages=["en", "zh"])
    check(languages=["en", "de"], parallel=False)
    for lists in ({"languages": ["en", "de"]}, {"languages": ["en"], "shown": ["de"]}):
        with pytest.raises(InputError, match=r"5 ids are in both, .* give `parallel: true`"):
            check(**lists)


def test_items_are_kept_with_their_passage_or_document(data: Path) -> None:
    for kind in ("qa", "ner"):
        config = cell(data, kind)
        (file,) = [file for name, gold in config.task.tests.items() for file in gold.files(name)]
        task = load_task(config)
        items = task.judge(file, [task.predict(file, 0, 1, 8)]).items
        assert items[PARTS].tolist() == list(range(len(items[IDS])))


def test_a_folder_that_is_gone_is_no_hub_name(data: Path, tmp_path: Path) -> None:
    gone = cell(data, "qa", model={"path": str(tmp_path / "best")})
    with pytest.raises(InputError, match="best: no such folder; expected a model's"):
        plan_cell(gone, "ours", tmp_path / "cell")


def test_what_a_model_begins_with_is_told(data: Path, tmp_path: Path) -> None:
    copy = write_encoder(tmp_path / "copy")
    (copy / SPAN_HEAD).unlink()
    plain = {"model": {"path": str(copy)}}
    assert load_task(cell(data, "qa")).head == "pre-trained"
    assert load_task(cell(data, "qa", form="plain")).head == "drawn"
    assert load_task(cell(data, "qa", **plain)).head == "drawn, and [QUE] with it"
    assert load_task(cell(data, "ner")).head == "drawn"
    assert load_task(cell(data, "ner", **plain)).head == "drawn, and [QUE] with it"


def test_a_tokenizer_that_does_not_know_a_script_is_told_by_its_share(data: Path) -> None:
    tokenizer = load_tokenizer(str(data / "encoder"))
    known = token_share(["Anna lives here."], tokenizer)
    unknown = token_share(["ꦄꦤ꧀ꦤ ꦄꦤ꧀ꦤ"], tokenizer)
    assert known["unknown_share"] < 0.2 < unknown["unknown_share"]
    assert known["tokens_per_word"] >= 1
