"""Tracking in a real SQLite store."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from clism_ray.config import LengthConfig, PretrainConfig, to_tree
from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.store import Store, StoreFailed, viewer_command
from clism_ray.tracked_run import NewRun, flatten
from clism_ray.tracking import Tracker, check, start
from clism_ray.train import journal
from clism_ray.train.follow import follow_run, following
from clism_ray.train.journal import Entry
from clism_ray.train.tracking_record import default_uri


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One store for all tests: its tables take seconds to create."""
    return Store(default_uri(tmp_path_factory.mktemp("store")))


def new_run(store: Store, **parameters: Any) -> NewRun:
    place = Path(store.uri.removeprefix("sqlite:///")).parent
    return NewRun(
        name="a run",
        experiment="clism",
        artefacts=place / "mlflow",
        folder=Path(tempfile.mkdtemp(dir=place)),
        parameters=parameters,
        tags={"corpus": "abc"},
    )


def begin(store: Store, **parameters: Any) -> Tracker:
    return start(store, new_run(store, **parameters))


def again(tracker: Tracker, **parameters: Any) -> Tracker:
    """Another start of the same run."""
    return start(Store(tracker.store.uri), replace(tracker.new, parameters=parameters))


def client(tracker: Tracker) -> MlflowClient:
    return MlflowClient(tracking_uri=tracker.store.uri)


def run_id(tracker: Tracker) -> str:
    assert tracker.run_id
    return tracker.run_id


def entries(first: int, last: int) -> list[Entry]:
    return [
        Entry(1000 + n, "train", n, {"loss/total": 1 / n, "loss/mlm": 2 / n})
        for n in range(first, last + 1)
    ]


def steps_of(tracker: Tracker, name: str = "loss/total") -> list[int]:
    return [p.step for p in client(tracker).get_metric_history(run_id(tracker), name)]


def test_a_run_has_its_name_parameters_and_tags(store: Store) -> None:
    config = PretrainConfig(name="a", corpus="b", length=LengthConfig(steps=1))
    tracker = begin(store, **to_tree(config))
    run = client(tracker).get_run(run_id(tracker))
    assert run.data.params == flatten(to_tree(config))
    assert run.data.params["losses.cacr.temperature"] == "0.05"
    assert run.data.tags["corpus"] == "abc"
    assert run.info.run_name == "a run"
    assert run.info.status == "RUNNING"


def test_metrics_are_logged_by_step_each_step_once(store: Store) -> None:
    tracker = begin(store)
    tracker.deliver([*entries(1, 4), Entry(5, "event", 4, {"status": "stopped"})])
    tracker.deliver([*entries(3, 6), Entry(9, "validation", 2, {"validation/loss/total": 3.0})])
    assert steps_of(tracker) == [1, 2, 3, 4, 5, 6]
    assert steps_of(tracker, "validation/loss/total") == [2]
    values = [p.value for p in client(tracker).get_metric_history(run_id(tracker), "loss/mlm")]
    assert values == [2 / n for n in range(1, 7)]


def test_a_second_start_goes_on_in_the_same_run_and_repeats_nothing(store: Store) -> None:
    first = begin(store, seed=13)
    first.deliver(entries(1, 3))
    assert first.close("stopped", entries(1, 3), [])
    ended = client(first).get_run(run_id(first)).info
    assert (ended.status, ended.end_time) == ("KILLED", 1003)
    second = again(first, seed=14)
    assert second.run_id == first.run_id
    run = client(second).get_run(run_id(second))
    assert (run.info.status, run.data.params) == ("RUNNING", {"seed": "13"})
    assert second.close("finished", entries(1, 5), [])
    assert steps_of(second) == [1, 2, 3, 4, 5]
    assert client(second).get_run(run_id(second)).info.status == "FINISHED"


def test_a_run_that_the_store_has_lost_begins_anew(store: Store) -> None:
    lost = begin(store)
    lost.deliver(entries(1, 2))
    client(lost).delete_run(run_id(lost))
    anew = again(lost)
    assert anew.run_id != lost.run_id
    elsewhere = start(store, new_run(store), "0" * 32)
    for tracker in (anew, elsewhere):
        tracker.deliver(entries(1, 2))
        assert steps_of(tracker) == [1, 2]


def test_what_the_store_failed_to_take_can_be_given_again(store: Store) -> None:
    tracker = begin(store)
    client(tracker).delete_run(run_id(tracker))  # the store now refuses its metrics
    with pytest.raises(StoreFailed):
        tracker.deliver(entries(1, 3))
    client(tracker).restore_run(run_id(tracker))
    client(tracker).log_batch(run_id(tracker), metrics=[Metric("loss/total", 1.0, 1001, 1)])
    tracker.deliver(entries(1, 3))
    assert steps_of(tracker) == [1, 2, 3]  # and what it did take is not there twice


def test_more_metrics_and_parameters_than_one_request_takes(store: Store) -> None:
    tracker = begin(store, **{f"key{n}": n for n in range(150)}, long="x" * 5000)
    assert len(client(tracker).get_run(run_id(tracker)).data.params) == 151
    tracker.deliver(entries(1, 300))  # 600 metrics
    assert steps_of(tracker) == list(range(1, 301))


def test_files_and_folders_are_kept_with_the_run(store: Store, tmp_path: Path) -> None:
    tracker = begin(store)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    tracker.log_file(tmp_path / "model", "model")
    tracker.log_file(tmp_path / "model" / "config.json")
    kept = {file.path for file in client(tracker).list_artifacts(run_id(tracker))}
    assert kept == {"model", "config.json"}
    assert any(tracker.new.artefacts.rglob("model/config.json"))


def test_a_run_is_followed_from_its_journal_to_the_store_and_the_terminal(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tracker = tmp_path / "journal.jsonl", begin(store)
    journal.append(path, entries(1, 2))  # of a start before this one: delivered, not shown
    with following(follow_run(path, tracker, log_every=2, steps=10), store):
        values = {"loss/total": 1.0}
        journal.append(path, [journal.entry("train", n, values) for n in (3, 4)])
    assert steps_of(tracker) == [1, 2, 3, 4]
    assert capsys.readouterr().out == "train step=4 steps=10 loss/total=1\n"


def test_entries_reported_once_more_after_a_restart_are_shown_once(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tracker = tmp_path / "journal.jsonl", begin(store)
    with following(follow_run(path, tracker, log_every=1, steps=10), store):
        early = journal.entry("train", 1, {"loss/total": 1.0})
        late = early._replace(time=early.time + 5, step=2)
        journal.append(path, [early, late, early])
    assert capsys.readouterr().out.count("step=1") == 1


def test_a_store_that_takes_nothing_is_told_once_and_stops_no_run(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tracker = tmp_path / "journal.jsonl", begin(store)
    client(tracker).delete_run(run_id(tracker))
    passes = follow_run(path, tracker, log_every=1, steps=10)
    for step in (1, 2, 3):
        journal.append(path, [journal.entry("train", step, {"loss/total": 1.0})])
        next(passes)
    assert capsys.readouterr().out.count("takes no metrics") == 1


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://nowhere",
        "nothing",
        "http://",
        "http://host:port",
        "http://[::1",
        "sqlite:////proc/no/such.db",
        "sqlite:////proc",
        "mysql+nowhere://host/runs",
        "postgresql://me:secret@host:port/runs",
    ],
)
def test_a_store_that_can_never_be_used_is_named(uri: str, tmp_path: Path) -> None:
    new = NewRun(
        name="a", experiment="clism", artefacts=tmp_path, folder=tmp_path, parameters={}, tags={}
    )
    for use in (lambda store: start(store, new), check):
        with pytest.raises(InputError, match=r"tracking.uri '.*' cannot be used") as caught:
            use(Store(uri))
        assert "secret" not in str(caught.value)


def test_an_experiment_that_was_deleted_is_named_with_the_ways_out(store: Store) -> None:
    new = replace(new_run(store), experiment="gone")
    at = MlflowClient(tracking_uri=store.uri).create_experiment("gone")
    MlflowClient(tracking_uri=store.uri).delete_experiment(at)
    with pytest.raises(
        InputError, match=rf"^tracking.experiment 'gone' was deleted.*restore --experiment-id {at}`"
    ):
        start(store, new)


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
    assert masked("postgresql://me:secret@host:5432/runs") == shown
    assert masked("postgresql://me:sec/ret@host:5432/runs") == shown
    assert viewer_command("postgresql://me:secret@host:5432/runs").count("secret") == 0
    for harmless in ("https://host:5000/a@b", "sqlite:////home/me/mlflow.db", "https://me@host/"):
        assert masked(harmless) == harmless


def test_an_entry_is_never_parted_between_two_requests(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, sent = begin(store), []
    monkeypatch.setattr(MlflowClient, "log_batch", lambda *given: sent.append(given[-1]))
    values = {f"metric{n}": 1.0 for n in range(30)}
    tracker.deliver(journal.entry("train", step, values) for step in range(1, 41))
    assert len(sent) > 1
    assert all(len(request) % 30 == 0 for request in sent)
    assert sum(map(len, sent)) == 40 * 30


def test_a_store_that_fails_at_the_end_undoes_nothing(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = begin(store)
    client(tracker).delete_run(run_id(tracker))
    assert not tracker.close("finished", [], [(tmp_path / "gone.txt", None)])
    assert "did not take the end of a run" in capsys.readouterr().out


def test_a_place_in_mlflow_that_cannot_be_remembered_ends_nothing(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = Tracker(store, new_run(store))
    in_the_way = tracker.new.folder / "tracking.tmp"
    in_the_way.mkdir()
    with pytest.raises(StoreFailed, match=r"tracking\.json cannot be written: Is a directory"):
        tracker.deliver(entries(1, 3))
    assert not tracker.close("finished", entries(1, 3), [])
    assert "MLflow did not take the end of a run" in capsys.readouterr().out
    in_the_way.rmdir()
    assert tracker.close("finished", entries(1, 3), [])
    assert steps_of(tracker) == [1, 2, 3]
