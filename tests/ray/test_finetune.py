"""Cells: the same on any number of workers, resumable one by one, failing one by one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from safetensors.torch import load_file, save_file

from clism_ray.config_file import parse, to_yaml
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig
from clism_ray.errors import InputError
from clism_ray.finetune import driver, loop
from clism_ray.finetune.cell import (
    PROBLEM,
    CellResult,
    Examples,
    read_items,
    read_result,
    write_result,
)
from clism_ray.finetune.driver import finetune, make_ready, run_cell
from clism_ray.finetune.follow import follow_cell
from clism_ray.finetune.grid import evaluate, evaluation_folder, told
from clism_ray.finetune.plan import plan_cell
from clism_ray.report.cell import print_cell
from clism_ray.store import Store
from clism_ray.tasks.ner_pipeline import EntityTagger
from clism_ray.tasks.ner_sentences import read_sentences
from clism_ray.tasks.ner_tags import entities
from clism_ray.tasks.qa_pipeline import QuestionAnswerer
from clism_ray.tasks.qa_questions import read_questions
from clism_ray.train import journal
from clism_ray.train.run import write_json
from tests.tasks_data import write_encoder, write_questions, write_sentences

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

ROOT = Path(__file__).resolve().parents[2]
STEPS = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, a broken one, and files to train and test on."""
    folder = tmp_path_factory.mktemp("tasks")
    write_encoder(folder / "encoder")
    broken = write_encoder(folder / "broken") / "model.safetensors"
    weights = {name: tensor * float("nan") for name, tensor in load_file(broken).items()}
    save_file(weights, broken, {"format": "pt"})
    write_questions(folder / "train.json", 0, 20)
    write_questions(folder / "test.en.json", 100, 15)
    write_sentences(folder / "train.en.tags", 0, 20)
    write_sentences(folder / "test.en.tags", 100, 15)
    return folder


def shared(data: Path, storage: Path) -> dict[str, Any]:
    return {
        "storage": str(storage),
        "optimizer": {"learning_rate": 3e-3},
        "batch": {"slots": 2, "examples": 3},
        "length": {"steps": STEPS},
        "tracking": {"log_every_steps": 1},
    }


def questions(data: Path) -> dict[str, Any]:
    return {
        "train": str(data / "train.json"),
        "tests": {"xquad": {"path": str(data / "test.{language}.json"), "languages": ["en"]}},
        "max_tokens": 90,
        "stride": 10,
        "max_question_tokens": 60,
    }


def cell(data: Path, storage: Path, workers: int, **changes: Any) -> FinetuneConfig:
    tree = {
        "name": "cell",
        "model": {"path": str(data / "encoder")},
        "scaling": {"workers": workers, "threads_per_worker": 1},
        **shared(data, storage),
        **changes,
    }
    return parse(FinetuneConfig, tree)


def losses(folder: Path) -> list[float]:
    entries = journal.read(folder / journal.JOURNAL)
    return [entry.values["loss/total"] for entry in entries if entry.kind == "train"]


@pytest.mark.drill
def test_losses_and_answers_do_not_depend_on_the_number_of_workers(
    data: Path, tmp_path: Path
) -> None:
    one = finetune(cell(data, tmp_path / "1", 1, qa=questions(data)))
    scaling = {"workers": 2, "threads_per_worker": 1, "activation_checkpointing": True}
    two = finetune(cell(data, tmp_path / "2", 2, qa=questions(data), scaling=scaling))
    assert len(losses(one.folder)) == STEPS
    np.testing.assert_allclose(losses(one.folder), losses(two.folder), rtol=1e-5)
    items = [read_items(found.folder)["xquad/en"]["squad_f1"] for found in (one, two)]
    np.testing.assert_array_equal(*items)
    assert one.result.scores["xquad/en"].metrics["squad_f1"] == pytest.approx(items[0].mean())
    said = json.loads((two.folder / "predictions" / "xquad.en.json").read_text("utf-8"))
    asked, _ = read_questions(data / "test.en.json")
    answerer = QuestionAnswerer(two.folder / "model")
    for question in asked:
        answer = answerer(question=question.question, context=question.context)
        assert answer["answer"] == said[question.id]


def test_a_tagger_says_what_it_said_when_it_was_scored(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ner = {
        "train": str(data / "train.en.tags"),
        "format": "wikiann",
        "tests": {"panx": {"path": str(data / "test.{language}.tags"), "languages": ["en"]}},
    }
    # One step at hardly any rate leaves the drawn classifier, which sees entities everywhere.
    little: dict[str, Any] = {"ner": ner, "form": "plain", "length": {"steps": 1}}
    config = cell(data, tmp_path, 1, **little, optimizer={"learning_rate": 1e-6})
    found = finetune(config)
    counts = read_items(found.folder)["panx/en"]["counts"]
    assert counts.shape[0] == found.result.scores["panx/en"].items == 15
    said = json.loads((found.folder / "predictions" / "panx.en.json").read_text("utf-8"))
    gold = read_sentences(data / "test.en.tags", "wikiann").sentences
    tagged = EntityTagger(found.folder / "model").each([one.words for one in gold])
    assert sum(map(len, tagged)) > 0
    for mine, tags in zip(tagged, said.values(), strict=True):
        each = [(one["first_word"], one["last_word"], one["entity_group"]) for one in mine]
        assert each == entities(tags.split())
    print_cell(found)
    printed = capsys.readouterr().out
    assert "panx/en" in printed
    assert f"finished: {found.folder}" in printed
    before = (found.folder / "result.json").stat().st_mtime_ns
    assert finetune(config).result == found.result  # nothing is run again
    assert (found.folder / "result.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"optimizer\.learning_rate"):
        finetune(cell(data, tmp_path, 1, **little, optimizer={"learning_rate": 1e-3}))


def grid(data: Path, storage: Path, **changes: Any) -> EvaluateConfig:
    tree = {
        "name": "grid",
        "models": {
            "good": {"path": str(data / "encoder")},
            "plain": {"path": str(data / "encoder"), "forms": ["plain"]},
        },
        "baseline": "good",
        "qa": questions(data),
        "samples": [1],
        "retries": 0,
        "cells_at_once": 1,
        "resamples": 100,
        "scaling": {"workers": 1, "threads_per_worker": 1},
        **shared(data, storage),
        **changes,
    }
    return parse(EvaluateConfig, tree)


@pytest.mark.drill
def test_a_grid_goes_on_after_its_driver_died(data: Path, tmp_path: Path) -> None:
    config = grid(data, tmp_path, sizes=[8])
    path = tmp_path / "grid.yaml"
    path.write_text(to_yaml(config), encoding="utf-8")
    cells = evaluation_folder(config) / "cells"
    _start_and_kill(path, cells / "good.question.8.1" / "result.json")
    done = read_result(cells / "good.question.8.1")
    assert evaluate(config)[1] == {}
    assert read_result(cells / "good.question.8.1") == done
    assert read_result(cells / "plain.plain.8.1")
    assert len(cells_in_mlflow(tmp_path)) == 2


@pytest.mark.drill
def test_a_grid_grows_by_cells_and_tells_of_those_that_fail(data: Path, tmp_path: Path) -> None:
    config = grid(data, tmp_path, sizes=[8], models={"good": {"path": str(data / "encoder")}})
    folder = evaluation_folder(config)
    assert evaluate(config)[1] == {}
    first = folder / "cells" / "good.question.8.1"
    done = read_result(first)
    assert done
    assert (folder / "report" / "table.csv").is_file()

    def with_another(path: str) -> EvaluateConfig:
        models = {"another": {"path": str(data / path)}, "good": {"path": str(data / "encoder")}}
        return grid(data, tmp_path, sizes=[8], models=models)

    evaluation, failed = evaluate(with_another("broken"))
    assert list(failed) == ["another.question.8.1"]
    assert "loss is not finite at step 1" in told(failed, evaluation.planned)
    assert [str(place) for place in evaluation.missing] == list(failed)
    assert read_result(first) == done
    assert cells_in_mlflow(tmp_path)["grid.another.question.8.1"].info.status == "FAILED"

    assert evaluate(with_another("encoder"))[1] == {}
    another = folder / "cells" / "another.question.8.1"
    assert losses(another) == pytest.approx(losses(first)), "nothing is left of the broken one"
    cells = cells_in_mlflow(tmp_path)
    assert cells["grid.another.question.8.1"].info.status == "FINISHED"
    assert len(cells) == 2
    metrics = cells["grid.good.question.8.1"].data.metrics
    assert metrics["test/xquad/squad_f1"] == done.scores["xquad/en"].metrics["squad_f1"]


def cells_in_mlflow(storage: Path) -> dict[str, Run]:
    """The latest run of each cell by name; all are children of the one evaluation."""
    client = MlflowClient(tracking_uri=f"sqlite:///{storage / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("clism")
    assert experiment
    runs = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
    (parent,) = (run for run in runs if run.data.tags["kind"] == "evaluation")
    cells = [run for run in runs if run.data.tags["kind"] == "cell"]
    assert {run.data.tags["mlflow.parentRunId"] for run in cells} == {parent.info.run_id}
    return {run.info.run_name: run for run in cells}


def _start_and_kill(config: Path, until: Path) -> None:
    """Run an evaluation in a process of its own until a file is there, and kill it."""
    command = [sys.executable, "jobs/evaluate_xsl.py", "--config", str(config)]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 300
        while not until.is_file():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_cell_that_fails_for_the_same_reason_again_has_failed_in_mlflow(
    data: Path, tmp_path: Path
) -> None:
    config = cell(data, tmp_path, 1, qa=questions(data))
    planned = plan_cell(config, "ours", tmp_path / "cell")
    store = Store(f"sqlite:///{tmp_path / 'mlflow.db'}")
    client = MlflowClient(tracking_uri=store.uri)

    def start(outcome: Callable[[], None]) -> tuple[str, str | None]:
        """A start of the cell as MLflow has it, before and after it ends."""
        make_ready(planned)
        passes = follow_cell(planned, store, tmp_path / "mlflow", lines=False)
        entry = journal.entry("train", 1, {"loss/total": 1.0})
        journal.append(planned.folder / journal.JOURNAL, [entry])
        next(passes)
        experiment = client.get_experiment_by_name("clism")
        assert experiment
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.info.status == "RUNNING"
        outcome()
        next(passes)
        run = client.get_run(run.info.run_id)
        return run.info.status, run.data.tags.get("problem")

    def fail() -> None:
        write_json(planned.folder / PROBLEM, {"problem": "the loss is not finite"})

    def finish() -> None:
        result = CellResult(
            name="cell",
            task="qa",
            model="ours",
            form="question",
            size=None,
            sample=0,
            seed=0,
            identity=planned.identity,
            identity_hash="0" * 16,
            train=Examples(file="train.json", sha256="", examples=20, ids="", counts={}),
            steps=1,
            loss=1.0,
            head="drawn",
            seconds=1.0,
            scores={},
        )
        write_result(planned.folder, result, {}, {})

    assert start(fail) == ("FAILED", "the loss is not finite")
    assert start(fail) == ("FAILED", "the loss is not finite")
    assert start(finish) == ("FINISHED", "")


@pytest.mark.usefixtures("alone")
def test_a_file_that_changed_since_it_was_planned_is_told_by_the_worker(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_questions(tmp_path / "test.en.json", 100, 15)
    test = {"path": str(tmp_path / "test.{language}.json"), "languages": ["en"]}
    config = cell(data, tmp_path, 1, qa={**questions(data), "tests": {"xquad": test}})
    planned = plan_cell(config, "ours", tmp_path / "cell")
    make_ready(planned)
    write_questions(tmp_path / "test.en.json", 200, 15)
    context = SimpleNamespace(get_world_rank=lambda: 0, get_world_size=lambda: 1)
    monkeypatch.setattr("ray.train.get_context", lambda: context)
    monkeypatch.setattr(driver, "fit", lambda _, job, restarts: loop._set_up(job))
    with pytest.raises(InputError, match=r"test\.en\.json: changed since the cell was planned"):
        run_cell(planned)


@pytest.mark.drill
def test_what_only_a_worker_finds_wrong_with_the_input_is_told_as_such(
    data: Path, tmp_path: Path
) -> None:
    passage = "and so on " * 60
    answer = {"text": passage.strip(), "answer_start": 0}
    asked = {"id": "1", "question": "How?", "answers": [answer]}
    train = tmp_path / "train.json"
    paragraphs = [{"context": passage, "qas": [asked]}]
    train.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    config = cell(data, tmp_path, 2, qa={**questions(data), "train": str(train)})
    with pytest.raises(InputError, match=r"train\.json: nothing in it can be trained on"):
        finetune(config)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sizes": [21]}, "20 examples; a sample of 21"),
        ({"models": {"good": {"path": "/nowhere/at/all"}}}, "/nowhere/at/all"),
        ({"scaling": {"workers": 2, "cpus_per_worker": 100}}, "scaling.cpus_per_worker"),
    ],
)
def test_what_no_cell_can_do_is_refused_before_any_starts(
    data: Path, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        evaluate(grid(data, tmp_path, **changes))
    assert not (tmp_path / "evaluations" / "grid" / "cells").exists()
