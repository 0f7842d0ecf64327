"""The promise: the loss curve depends on data, configuration and seed, and on nothing else."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow.tracking import MlflowClient
from transformers import BertConfig, BertForMaskedLM

from clism_ray.config import PretrainConfig, ScalingConfig, ZeroConfig
from clism_ray.errors import InputError, RunFailed, WorkersLost
from clism_ray.masking.tokenizer import load_tokenizer, train_tokenizer
from clism_ray.model.export import SPAN_HEAD, load_exported
from clism_ray.train import driver, journal
from clism_ray.train.audit import audit
from clism_ray.train.checkpoint import complete, folder_of, intact
from clism_ray.train.copies import copy, place_of
from clism_ray.train.driver import PretrainResult, pretrain
from clism_ray.train.tracking_record import read_tracking
from tests.corpora import tiny_pair, write_tiny_corpus
from tests.kill import a_worker_killed, steps_run
from tests.mlflow_server import Server
from tests.tiny_run import tiny_run

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

STEPS = 100
TOLERANCE = 1e-4  # relative, fp32, dropout on


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "tiny"
    write_tiny_corpus(folder, rows=1000)  # 100 steps of 16 pairs cross an epoch boundary
    write_encoder(folder.with_name("encoder"))
    return folder


def write_encoder(folder: Path) -> None:
    texts = [text for n in range(200) for text in (tiny_pair(n).source, tiny_pair(n).target)]
    train_tokenizer(texts, 400).save_pretrained(folder)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(1)
    BertForMaskedLM(
        BertConfig(vocab_size=400, intermediate_size=64, pad_token_id=1, **sizes)
    ).save_pretrained(folder)


def configuration(corpus: Path, storage: Path, **changes: Any) -> PretrainConfig:
    """Runs from an encoder: what is loaded has no dropout until it is told to train."""
    sections: dict[str, Any] = {
        "model": {"start": str(corpus.with_name("encoder"))},
        "length": {"steps": STEPS},
        "validation": {"every_steps": 50, "pairs_per_language": 8},
        **changes,
    }
    return tiny_run(corpus, storage, **sections)


def scaling(workers: int, **more: object) -> dict[str, object]:
    return {"workers": workers, **more}


def curve(result: PretrainResult) -> dict[int, float]:
    entries = journal.read(result.folder / journal.JOURNAL)
    return {e.step: e.values["loss/total"] for e in entries if e.kind == "train"}


def trained(result: PretrainResult) -> list[dict[str, float]]:
    entries = journal.read(result.folder / journal.JOURNAL)
    return [entry.values for entry in entries if entry.kind == "train"]


def validations(result: PretrainResult) -> list[dict[str, float]]:
    entries = journal.read(result.folder / journal.JOURNAL)
    return [entry.values for entry in entries if entry.kind == "validation"]


def assert_same(one: dict[int, float], other: dict[int, float]) -> None:
    assert list(one) == list(other) == list(range(1, STEPS + 1))
    worst = max(abs(one[step] - other[step]) / abs(one[step]) for step in one)
    assert worst < TOLERANCE, f"the curves differ by {worst:.2e}"


def assert_same_validations(one: PretrainResult, other: PretrainResult) -> None:
    assert len(validations(one)) == 3
    for expected, found in zip(validations(one), validations(other), strict=True):
        assert found == pytest.approx(expected, rel=TOLERANCE)
        assert "validation/retrieval/en-de" in expected


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> PretrainResult:
    """One worker, ZeRO 2, left alone."""
    storage = tmp_path_factory.mktemp("undisturbed")
    return pretrain(configuration(corpus, storage, scaling=scaling(1)))


@pytest.mark.parametrize(
    ("stage", "workers"),
    [
        pytest.param(0, 2, marks=pytest.mark.drill),
        pytest.param(1, 2, marks=pytest.mark.drill),
        pytest.param(2, 2, marks=pytest.mark.drill),
        pytest.param(3, 3, marks=pytest.mark.drill),
    ],
)
def test_more_workers_of_any_zero_stage_draw_the_curve_of_one(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult, stage: int, workers: int
) -> None:
    config = configuration(corpus, tmp_path, scaling=scaling(workers), zero={"stage": stage})
    result = pretrain(config)
    assert_same(curve(undisturbed), curve(result))
    assert_same_validations(undisturbed, result)


@pytest.mark.drill
def test_negatives_of_a_whole_step_are_the_same_for_one_worker_and_for_two(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    curves = []
    for workers in (1, 2):
        storage = tmp_path / str(workers)
        config = configuration(
            corpus,
            storage,
            scaling=scaling(workers),
            losses={"cacr": {"negatives": "global"}},
            length={"steps": 40},
        )
        curves.append(curve(pretrain(config)))
    one, two = curves
    assert list(one) == list(two) == list(range(1, 41))
    assert max(abs(one[step] - two[step]) / one[step] for step in one) < TOLERANCE
    assert one[1] > curve(undisturbed)[1], "more negatives make a harder question"


@pytest.mark.drill
def test_validation_beside_training_finds_the_same_and_keeps_the_same_model(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    beside = {"every_steps": 50, "pairs_per_language": 8, "beside": True}
    config = configuration(corpus, tmp_path, scaling=scaling(2), validation=beside)
    result = pretrain(config)
    assert_same(curve(undisturbed), curve(result))
    assert_same_validations(undisturbed, result)
    scores = [json.loads((of.folder / "best.json").read_text()) for of in (result, undisturbed)]
    assert scores[0] == pytest.approx(scores[1], rel=TOLERANCE)
    load_exported(result.folder / "best")
    assert [path.name for path in result.folder.glob("validating-*")] == [
        "validating-00000100.json"
    ]


@pytest.mark.drill
def test_a_run_that_goes_on_validates_what_it_has_left(
    tmp_path: Path, undisturbed: PretrainResult
) -> None:
    config, folder = copy_of(undisturbed, tmp_path, status="failed")
    path = folder / journal.JOURNAL
    lines = path.read_text().splitlines(keepends=True)
    last = [line for line in lines if '"validation"' in line][-1]
    path.write_text("".join(line for line in lines if line != last))
    (folder_of(folder, 100) / "metrics.jsonl").unlink()  # it was taken before
    for step in (100, 101):
        shutil.copytree(folder / "last", folder / f"validating-{step:08d}")
    result = pretrain(config)
    assert len(validations(result)) == 3
    assert validations(result)[-1] == pytest.approx(validations(undisturbed)[-1], rel=TOLERANCE)
    assert [path.name for path in folder.glob("validating-*")] == ["validating-00000100.json"]


@pytest.mark.drill
def test_a_run_that_asks_nothing_takes_the_same_pairs_and_leaves_its_last_model(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    config = configuration(
        corpus,
        tmp_path,
        scaling=scaling(1),
        masking={"questions": False},
        losses={"clism": {"weight": 0}, "cacr": {"weight": 0}},
        length={"steps": 4},
    )
    result = pretrain(config)
    assert result.status == "finished"
    steps, others = (trained(of)[:4] for of in (result, undisturbed))
    assert [step["data/pairs"] for step in steps] == [step["data/pairs"] for step in others]
    assert {step["data/questions"] for step in steps} == {0.0}
    told = validations(result)[-1].keys()
    assert "validation/perplexity/en-de" in told
    assert not any("accuracy" in name or "clism" in name for name in (*told, *steps[0]))
    assert not (result.folder / "best").exists()
    assert (result.folder / "last" / "model.safetensors").is_file()
    assert not (result.folder / "last" / SPAN_HEAD).exists(), "nothing trained it"


def test_two_workers_of_whom_one_is_killed_draw_the_curve_of_one(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    config = configuration(corpus, tmp_path, scaling=scaling(2))
    run = tmp_path / "runs" / "run"
    with a_worker_killed(run, STEPS):
        result = pretrain(config)
    steps = steps_run(run)
    assert len(steps) > len(set(steps)), "no step ran twice: the worker was not killed in time"
    assert_same(curve(undisturbed), curve(result))
    assert_same_validations(undisturbed, result)
    assert audit(run).against == [], "each row once an epoch"


@pytest.mark.drill
def test_a_run_stopped_by_time_goes_on_to_the_same_end(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    config = configuration(corpus, tmp_path, scaling=scaling(1))
    first = pretrain(replace(config, max_minutes=1e-6))
    assert first.status == "stopped"
    assert list(curve(first)) == [1]
    second = pretrain(config)
    assert second.status == "finished"
    assert second.mlflow_run == first.mlflow_run
    assert_same(curve(undisturbed), curve(second))


def test_a_finished_run_says_so_and_keeps_what_it_left(undisturbed: PretrainResult) -> None:
    config = configuration(
        Path(undisturbed.recipe.corpus), undisturbed.folder.parent.parent, scaling=scaling(1)
    )
    again = pretrain(config)
    assert again.status == "finished"
    assert again.mlflow_run == undisturbed.mlflow_run
    assert (undisturbed.folder / "last" / "model.safetensors").is_file()
    load_exported(undisturbed.folder / "last")
    load_exported(undisturbed.folder / "best")


def copy_of(
    result: PretrainResult, storage: Path, **changed: object
) -> tuple[PretrainConfig, Path]:
    """The same run in another storage, its record changed by hand."""
    folder = storage / "runs" / "run"
    shutil.copytree(result.folder, folder)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, **changed}))
    config = configuration(Path(result.recipe.corpus), storage, scaling=scaling(1))
    return config, folder


@pytest.mark.drill
def test_other_workers_go_on_after_a_damaged_checkpoint_and_a_lost_report_with_the_same_curve(
    tmp_path: Path, undisturbed: PretrainResult
) -> None:
    config, folder = copy_of(undisturbed, tmp_path, status="failed")
    state = next(folder_of(folder, 100).glob("state-*"))
    state.write_bytes(state.read_bytes()[::-1])
    path = folder / journal.JOURNAL
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:70]))  # a crash before the report of the steps up to 80
    more = {"scaling": ScalingConfig(workers=2, threads_per_worker=1), "zero": ZeroConfig(stage=3)}
    result = pretrain(replace(config, **more))
    assert_same(curve(undisturbed), curve(result))
    assert validations(result)[-1] == pytest.approx(validations(undisturbed)[-1], rel=TOLERANCE)
    events = [entry for entry in journal.read(path) if entry.kind == "event"]
    assert [(e.step, e.values["status"]) for e in events] == [
        (0, "training"),  # of the run before it was copied
        (100, "checkpoint damaged"),
        (80, "training"),
        (100, "finished"),
    ]
    assert audit(folder).against == [], "each row once an epoch"


@pytest.mark.drill
def test_a_run_on_an_empty_storage_goes_on_from_its_copies_and_adds_to_them(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    place = str(tmp_path / "copies")
    copy(folder_of(undisturbed.folder, 80), 0, place_of(place, "run"), keep=2)
    curve_copied = tmp_path / "copies" / "run" / journal.JOURNAL  # before the last report came
    entries = [entry for entry in journal.read_from(curve_copied, 0)[0] if entry.step <= 60]
    curve_copied.unlink()
    journal.append(curve_copied, entries)
    copying = {"every_steps": 20, "copy_to": place}
    config = configuration(corpus, tmp_path / "new", scaling=scaling(2), checkpoint=copying)
    result = pretrain(config)
    expected = curve(undisturbed)
    assert list(curve(result)) == list(range(1, STEPS + 1)), "with what the checkpoint had to tell"
    assert audit(result.folder).against == [], "each row once an epoch"
    assert (result.folder / "best.json").read_bytes() == (
        undisturbed.folder / "best.json"
    ).read_bytes(), "a better one of before is not replaced"
    for step, loss in curve(result).items():
        assert loss == pytest.approx(expected[step], rel=TOLERANCE)
    copied = tmp_path / "copies" / "run" / "step-00000100"
    assert complete(copied)
    assert all(intact(copied, rank, 2) for rank in range(2))


@pytest.mark.drill
def test_a_run_of_two_workers_then_one_then_two_draws_the_curve_of_one(
    corpus: Path, tmp_path: Path, undisturbed: PretrainResult
) -> None:
    for workers, stage in ((2, 2), (1, 0)):
        alone = scaling(workers, max_restarts=0)
        config = configuration(corpus, tmp_path, scaling=alone, zero={"stage": stage})
        with pytest.raises(WorkersLost), a_worker_killed(tmp_path / "runs" / "run", STEPS):
            pretrain(config)
    result = pretrain(replace(config, scaling=ScalingConfig(workers=2, threads_per_worker=1)))
    assert_same(curve(undisturbed), curve(result))
    assert audit(result.folder).against == [], "each row once an epoch"


def test_what_mlflow_missed_of_a_finished_run_is_delivered_by_the_next_start(
    tmp_path: Path, undisturbed: PretrainResult
) -> None:
    config, folder = copy_of(undisturbed, tmp_path, delivered=False)
    result = pretrain(config)
    client = MlflowClient(tracking_uri=result.tracking_uri)
    assert result.mlflow_run
    history = client.get_metric_history(result.mlflow_run, "loss/total")
    assert [point.step for point in history] == list(range(1, STEPS + 1))
    assert client.list_artifacts(result.mlflow_run, "model")
    assert json.loads((folder / "run.json").read_text())["delivered"]


@pytest.mark.drill
def test_a_run_whose_mlflow_is_away_finishes_and_the_next_start_delivers(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(tmp_path)
    config = configuration(
        corpus, tmp_path, scaling=scaling(1), tracking={"uri": server.uri}, length={"steps": 4}
    )
    result = pretrain(config)
    assert (result.status, result.mlflow_run) == ("finished", None)
    told = capsys.readouterr().out
    assert told.count("does not answer") == 1
    assert "started again, delivers it" in told
    began = read_tracking(result.folder)["began"]
    server.start()
    try:
        run_id = pretrain(config).mlflow_run
        assert run_id
        client = MlflowClient(tracking_uri=server.uri)
        run, history = client.get_run(run_id), client.get_metric_history(run_id, "loss/total")
    finally:
        server.kill()
    lines = journal.read(result.folder / journal.JOURNAL)
    kept = [(entry.step, entry.time) for entry in lines if entry.kind == "train"]
    assert [(point.step, point.timestamp) for point in history] == kept
    ended = (run.info.status, run.info.start_time, run.info.end_time)
    assert ended == ("FINISHED", began, lines[-1].time)


def test_a_run_starts_from_the_folder_of_any_encoder_and_warns_of_a_loss_that_is_silent(
    corpus: Path, tmp_path: Path
) -> None:
    alone = {"slots": 4, "pairs": 1}  # a pair by itself has no negatives
    config = configuration(corpus, tmp_path, scaling=scaling(1), batch=alone, length={"steps": 4})
    result = pretrain(config)
    assert result.status == "finished"
    events = [e for e in journal.read(result.folder / journal.JOURNAL) if e.kind == "event"]
    assert [(e.step, e.values["status"]) for e in events] == [
        (0, "training"),
        (1, "warning"),
        (4, "finished"),
    ]
    assert "no pair of this step has a negative" in events[1].values["problem"]
    exported = load_exported(result.folder / "last")
    assert exported.masked_lm.config.model_type == "bert"
    assert exported.tokenizer.get_vocab() == load_tokenizer(config.model.start or "").get_vocab()


@pytest.mark.drill
def test_a_shard_that_breaks_under_the_workers_is_told_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "corpus"
    manifest = write_tiny_corpus(folder, rows=1000)
    shard = folder / manifest.train[0].path
    shard.write_bytes(bytes(shard.stat().st_size))
    write_encoder(tmp_path / "encoder")
    monkeypatch.setattr(driver, "verify_hashes", lambda *_: None)  # as if it had been sound
    config = configuration(folder, tmp_path, scaling=scaling(2))
    with pytest.raises(InputError, match=rf"{manifest.train[0].path}: row group \d .*was$"):
        pretrain(config)


def test_a_name_with_other_settings_is_refused_with_the_difference(
    undisturbed: PretrainResult,
) -> None:
    config = configuration(
        Path(undisturbed.recipe.corpus),
        undisturbed.folder.parent.parent,
        scaling=scaling(1),
        losses={"cacr": {"temperature": 20}},
    )
    with pytest.raises(InputError, match=r"losses\.cacr\.temperature: 0\.05 -> 20"):
        pretrain(config)


def test_more_workers_than_the_cluster_can_hold_is_said_at_once(
    corpus: Path, tmp_path: Path
) -> None:
    config = configuration(corpus, tmp_path, scaling=scaling(4, cpus_per_worker=64.0))
    began = time.monotonic()
    with pytest.raises(InputError, match="asks for 4 workers of 64 CPU"):
        pretrain(config)
    assert time.monotonic() - began < 60


@pytest.mark.drill
def test_a_loss_that_is_not_finite_stops_the_run_with_its_step(
    corpus: Path, tmp_path: Path
) -> None:
    config = configuration(
        corpus, tmp_path, scaling=scaling(1), optimizer={"learning_rate": 1e30, "clip": 0}
    )
    with pytest.raises(RunFailed, match=r"the (loss|gradient) is not finite at step \d+"):
        pretrain(config)


@pytest.mark.drill
def test_a_full_disk_stops_the_run_with_one_sentence(corpus: Path, small_disk: Path) -> None:
    wider = {"scratch": {"layers": 2, "hidden": 96, "heads": 2, "intermediate": 64}}
    config = configuration(
        corpus, small_disk, scaling=scaling(2), model=wider, checkpoint={"every_steps": 4}
    )
    with pytest.raises(RunFailed, match="no room for the checkpoint of step 4 "):
        pretrain(config)
