"""Tracking in a real SQLite store."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from clism_ray.config import LengthConfig, PretrainConfig, to_tree
from clism_ray.errors import InputError
from clism_ray.tracking import (
    Tracker,
    default_uri,
    flatten,
    start,
    viewer_command,
    without_password,
)
from clism_ray.train import journal
from clism_ray.train.follow import follow_run, following
from clism_ray.train.journal import Entry


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests: its tables take seconds to create."""
    return tmp_path_factory.mktemp("store")


def begin(store: Path, run_id: str | None = None, **parameters: Any) -> Tracker:
    uri, artefacts = default_uri(store), store / "mlflow"
    return start(uri, "clism", artefacts, "a run", run_id, parameters, {"corpus": "abc"})


def entries(first: int, last: int) -> list[Entry]:
    return [
        Entry(1000 + n, "train", n, {"loss/total": 1 / n, "loss/mlm": 2 / n})
        for n in range(first, last + 1)
    ]


def steps_of(tracker: Tracker, name: str = "loss/total") -> list[int]:
    return [point.step for point in tracker.client.get_metric_history(tracker.run_id, name)]


def test_a_run_has_its_name_parameters_and_tags(store: Path) -> None:
    config = PretrainConfig(name="a", corpus="b", length=LengthConfig(steps=1))
    tracker = begin(store, **to_tree(config))
    run = tracker.client.get_run(tracker.run_id)
    assert run.data.params == flatten(to_tree(config))
    assert run.data.params["losses.cacr.temperature"] == "0.05"
    assert run.data.tags["corpus"] == "abc"
    assert run.info.run_name == "a run"
    assert run.info.status == "RUNNING"


def test_metrics_are_logged_by_step_each_step_once(store: Path) -> None:
    tracker = begin(store)
    tracker.deliver([*entries(1, 4), Entry(5, "event", 4, {"status": "stopped"})])
    tracker.deliver([*entries(3, 6), Entry(9, "validation", 2, {"validation/loss/total": 3.0})])
    assert steps_of(tracker) == [1, 2, 3, 4, 5, 6]
    assert steps_of(tracker, "validation/loss/total") == [2]
    values = [p.value for p in tracker.client.get_metric_history(tracker.run_id, "loss/mlm")]
    assert values == [2 / n for n in range(1, 7)]


def test_a_second_start_goes_on_in_the_same_run_and_repeats_nothing(store: Path) -> None:
    first = begin(store, seed=13)
    first.deliver(entries(1, 3))
    assert first.close("stopped", [], [])
    assert first.client.get_run(first.run_id).info.status == "KILLED"
    again = begin(store, run_id=first.run_id, seed=14)
    assert again.run_id == first.run_id
    run = again.client.get_run(again.run_id)
    assert (run.info.status, run.data.params) == ("RUNNING", {"seed": "13"})
    assert again.close("finished", entries(1, 5), [])
    assert steps_of(again) == [1, 2, 3, 4, 5]
    assert again.client.get_run(again.run_id).info.status == "FINISHED"


def test_a_run_that_the_store_has_lost_begins_anew(store: Path) -> None:
    lost = begin(store)
    lost.deliver(entries(1, 2))
    lost.client.delete_run(lost.run_id)
    for run_id in (lost.run_id, "0" * 32):
        anew = begin(store, run_id=run_id)
        assert anew.run_id != run_id
        anew.deliver(entries(1, 2))
        assert steps_of(anew) == [1, 2]


def test_what_the_store_failed_to_take_can_be_given_again(store: Path) -> None:
    tracker = begin(store)
    tracker.client.delete_run(tracker.run_id)  # the store now refuses its metrics
    with pytest.raises(MlflowException):
        tracker.deliver(entries(1, 3))
    tracker.client.restore_run(tracker.run_id)
    tracker.client.log_batch(tracker.run_id, metrics=[Metric("loss/total", 1.0, 1001, 1)])
    tracker.deliver(entries(1, 3))
    assert steps_of(tracker) == [1, 2, 3]  # and what it did take is not there twice


def test_more_metrics_and_parameters_than_one_request_takes(store: Path) -> None:
    tracker = begin(store, **{f"key{n}": n for n in range(150)}, long="x" * 5000)
    assert len(tracker.client.get_run(tracker.run_id).data.params) == 151
    tracker.deliver(entries(1, 300))  # 600 metrics
    assert steps_of(tracker) == list(range(1, 301))


def test_files_and_folders_are_kept_with_the_run(store: Path, tmp_path: Path) -> None:
    tracker = begin(store)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    tracker.log_file(tmp_path / "model", "model")
    tracker.log_file(tmp_path / "model" / "config.json")
    kept = {file.path for file in tracker.client.list_artifacts(tracker.run_id)}
    assert kept == {"model", "config.json"}
    assert any((store / "mlflow").rglob("model/config.json"))


def test_a_run_is_followed_from_its_journal_to_the_store_and_the_terminal(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tracker = tmp_path / "journal.jsonl", begin(store)
    journal.append(path, entries(1, 2))  # of a start before this one: delivered, not shown
    with following(follow_run(path, tracker, log_every=2, steps=10)):
        values = {"loss/total": 1.0}
        journal.append(path, [journal.entry("train", n, values) for n in (3, 4)])
    assert steps_of(tracker) == [1, 2, 3, 4]
    assert capsys.readouterr().out == "train step=4 steps=10 loss/total=1\n"


def test_entries_reported_once_more_after_a_restart_are_shown_once(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tracker = tmp_path / "journal.jsonl", begin(store)
    with following(follow_run(path, tracker, log_every=1, steps=10)):
        early = journal.entry("train", 1, {"loss/total": 1.0})
        late = early._replace(time=early.time + 5, step=2)
        journal.append(path, [early, late, early])
    assert capsys.readouterr().out.count("step=1") == 1


def test_a_store_that_takes_nothing_is_told_once_and_stops_no_run(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tracker = tmp_path / "journal.jsonl", begin(store)
    tracker.client.delete_run(tracker.run_id)
    with following(follow_run(path, tracker, log_every=1, steps=10)):
        journal.append(path, [journal.entry("train", 1, {"loss/total": 1.0})])
    assert "takes no metrics" in capsys.readouterr().out


def test_a_store_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tracking.uri 'ftp://nowhere' cannot be used"):
        start("ftp://nowhere", "clism", tmp_path, "a", None, {}, {})


@pytest.mark.parametrize("uri", ["sqlite:////proc/no/such.db", "mysql+nowhere://host/runs"])
def test_a_database_that_cannot_be_opened_is_named_too(uri: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        start(uri, "clism", tmp_path, "a", None, {}, {})


def test_nested_settings_become_dotted_keys() -> None:
    tree = {"a": {"b": 1, "c": {"d": None}}, "e": "text", "f": [1, 2]}
    assert flatten(tree) == {"a.b": "1", "a.c.d": "null", "e": "text", "f": "[1, 2]"}


def test_runs_are_looked_at_on_this_machine_alone(tmp_path: Path) -> None:
    command = viewer_command(default_uri(tmp_path))
    assert "--host 127.0.0.1" in command
    assert f"--backend-store-uri sqlite:///{tmp_path}/mlflow.db" in command
    assert "https://mlflow.example" in viewer_command("https://mlflow.example")


def test_a_password_in_the_uri_is_not_shown() -> None:
    shown = "postgresql://me:***@host:5432/runs"
    assert without_password("postgresql://me:secret@host:5432/runs") == shown
    assert without_password("postgresql://me:sec/ret@host:5432/runs") == shown
    assert viewer_command("postgresql://me:secret@host:5432/runs").count("secret") == 0
    for harmless in ("https://host:5000/a@b", "sqlite:////home/me/mlflow.db", "https://me@host/"):
        assert without_password(harmless) == harmless


def test_an_entry_is_never_parted_between_two_requests(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, sent = begin(store), []
    monkeypatch.setattr(tracker.client, "log_batch", lambda _, metrics: sent.append(metrics))
    values = {f"metric{n}": 1.0 for n in range(30)}
    tracker.deliver(journal.entry("train", step, values) for step in range(1, 41))
    assert len(sent) > 1
    assert all(len(request) % 30 == 0 for request in sent)
    assert sum(map(len, sent)) == 40 * 30


def test_a_store_that_fails_at_the_end_undoes_nothing(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = begin(store)
    tracker.client.delete_run(tracker.run_id)
    assert not tracker.close("finished", [], [(tmp_path / "gone.txt", None)])
    assert "did not take the end of run" in capsys.readouterr().out
