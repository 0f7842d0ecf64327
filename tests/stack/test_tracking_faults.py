"""Whatever MLflow does, a run goes on, and MLflow has each point once when it is back."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from clism_ray import store as mlflow_store
from clism_ray.config_file import parse
from clism_ray.config_tasks import FinetuneConfig
from clism_ray.errors import InputError
from clism_ray.finetune.follow import follow_cell, tell_undelivered
from clism_ray.finetune.plan import Cell
from clism_ray.store import Store, StoreAway, StoreFailed
from clism_ray.tracked_run import NewRun
from clism_ray.tracking import Tracker, start
from clism_ray.train import journal
from clism_ray.train.follow import follow_run, following
from clism_ray.train.journal import Entry
from clism_ray.train.status import FINISHED
from clism_ray.train.tracking_record import read_tracking
from tests import evaluations
from tests.mlflow_server import SILENCE_S, Proxy, Server

TRAINED = {
    "model": {"path": "base"},
    "qa": {"train": "train", "tests": {"x": {"path": "x.{language}.json", "languages": ["en"]}}},
    "optimizer": {"learning_rate": 1e-3},
    "length": {"steps": 10},
}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was silent is soon asked again."""
    monkeypatch.setattr(mlflow_store, "_PAUSE", 0.1)
    monkeypatch.setattr(mlflow_store, "_SHORTEST_PAUSE", 0.1)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # other tests may keep the machine busy


@pytest.fixture
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for each lost answer."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(SILENCE_S))


@pytest.fixture
def new(tmp_path: Path) -> NewRun:
    return NewRun(
        name=tmp_path.name,
        experiment="faults",
        artefacts=tmp_path,
        folder=tmp_path,
        parameters={f"key{n}": n for n in range(150)},  # two requests
        tags={"kind": "faults"},
    )


def entries(first: int, last: int) -> list[Entry]:
    return [
        Entry(1000 + n, kind, n, {f"{kind}/a": 1 / n, f"{kind}/b": float(n)})
        for n in range(first, last + 1)
        for kind in ("train", "validation")
    ]


def assert_all_there_once(server: Server, new: NewRun, taken: list[Entry]) -> None:
    """One run of this name, with its parameters and every point once, in order, with its time."""
    client = MlflowClient(tracking_uri=server.uri)
    experiment = client.get_experiment_by_name(new.experiment)
    assert experiment
    (run,) = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{new.name}'")
    assert len(run.data.params) == 150
    assert run.data.tags["kind"] == "faults"
    for name in ("train/a", "train/b", "validation/a", "validation/b"):
        points = client.get_metric_history(run.info.run_id, name)
        found = [(point.step, point.timestamp, point.value) for point in points]
        assert found == [(e.step, e.time, e.values[name]) for e in taken if name in e.values]


def patiently(action: Callable[[], bool]) -> None:
    """Try until it is done, as followers do."""
    for _ in range(100):
        with suppress(StoreAway):
            if action():
                return
        time.sleep(0.15)
    raise AssertionError("never done")


@pytest.mark.usefixtures("short_silence")
@pytest.mark.parametrize("fault", ["refuse", "drop", "fail", "slow"])
def test_after_any_fault_the_store_has_each_point_once(
    fault: str, mlflow_server: Server, new: NewRun
) -> None:
    proxy, sent = Proxy(mlflow_server.uri), entries(1, 12)
    with proxy.up():
        proxy.fault = fault
        tracker = start(Store(proxy.uri), new)
        for some in (sent[:6], sent[4:14], sent[12:]):
            patiently(partial(tracker.deliver, some))
        patiently(lambda: tracker.close(FINISHED, sent, [(new.folder, "kept")]))
    assert proxy.spoilt > 3
    assert len(proxy.points) == len(set(proxy.points)) > 0, "what it had was sent again"
    assert_all_there_once(mlflow_server, new, sent)


def test_a_run_begins_without_its_server_and_is_there_when_that_comes(
    mlflow_server: Server, new: NewRun, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy, sent = Proxy(mlflow_server.uri), entries(1, 6)
    path = new.folder / journal.JOURNAL
    tracker, told = start(Store(proxy.uri), new), ""

    def said(line: str, times: int) -> bool:
        nonlocal told
        told += capsys.readouterr().out
        return told.count(line) == times

    assert tracker.run_id is None
    with following(follow_run(path, tracker, log_every=1, steps=6), tracker.store):
        journal.append(path, sent[:4])
        patiently(lambda: said("metrics wait", 1))
        with proxy.up():
            patiently(lambda: said("MLflow answers again", 1))  # and has all of it
        assert read_tracking(new.folder)["mlflow_run"] is not None
        journal.append(path, sent[4:])
        patiently(lambda: said("metrics wait", 2))  # it is gone again
    assert not tracker.close(FINISHED, sent, [])
    told += capsys.readouterr().out
    assert told.count("does not answer (Connection refused): metrics wait") == 2
    assert told.count("MLflow answers again") == 1
    assert "the same command, started again, delivers it" in told
    again = start(Store(mlflow_server.uri), new)
    assert again.run_id == tracker.run_id
    assert again.close(FINISHED, sent, [])
    assert_all_there_once(mlflow_server, new, sent)


def test_a_server_that_is_killed_and_comes_back_misses_nothing(
    mlflow_server: Server, new: NewRun
) -> None:
    sent, path = entries(1, 600), new.folder / journal.JOURNAL  # several requests
    tracker, client = start(Store(mlflow_server.uri), new), MlflowClient(mlflow_server.uri)
    with following(follow_run(path, tracker, log_every=1000, steps=600), tracker.store):
        journal.append(path, sent[:600])
        while not (there := client.get_metric_history(tracker.run_id, "validation/b")):
            time.sleep(0.02)
        mlflow_server.kill()
        try:
            assert len(there) < 300, "all was delivered before"
            journal.append(path, sent[600:])
        finally:
            mlflow_server.start()
    assert tracker.close(FINISHED, sent, [])
    assert_all_there_once(mlflow_server, new, sent)


@pytest.mark.usefixtures("short_silence")
def test_a_silent_server_costs_many_runs_the_wait_of_one(
    tmp_path: Path, new: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_store, "_PAUSE", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        store = Store(f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        for n in range(20):
            (tmp_path / str(n)).mkdir()
            tracker = Tracker(store, replace(new, folder=tmp_path / str(n)))
            with pytest.raises(StoreAway, match=f"nothing came within {SILENCE_S} s"):
                tracker.deliver(entries(1, 2))
        assert time.monotonic() - began < 10 * SILENCE_S


def test_cells_done_without_a_server_are_delivered_under_their_evaluation(
    mlflow_server: Server, new: NewRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = evaluations.config(samples=[1, 2, 3])
    folder = evaluations.build(tmp_path, evaluation, evaluations.answers({}))
    cells = [
        Cell(
            config=parse(FinetuneConfig, {**TRAINED, "name": path.name}),
            model="base",
            folder=path,
            identity={},
        )
        for path in sorted((folder / "cells").iterdir())
    ]
    proxy = Proxy(mlflow_server.uri)
    parent = start(Store(proxy.uri), new)
    followed = [follow_cell(cell, parent.store, tmp_path, parent, lines=False) for cell in cells]
    assert not any(next(passes) for passes in followed)
    tell_undelivered(cells)
    assert f"MLflow lacks {len(cells)} of {len(cells)} cells" in capsys.readouterr().out
    with proxy.up():
        parent.store.ask_anyway()
        assert all(next(passes) for passes in followed)
        assert all(next(passes) for passes in followed)
    client = MlflowClient(tracking_uri=mlflow_server.uri)
    experiment = client.get_experiment_by_name(cells[0].config.tracking.experiment)
    assert experiment
    condition = f"tags.`mlflow.parentRunId` = '{parent.run_id}'"
    children = client.search_runs([experiment.experiment_id], condition)
    assert {run.info.run_name for run in children} == {cell.config.name for cell in cells}
    assert len(children) == len(cells) >= 6
    assert {run.info.status for run in children} == {"FINISHED"}
    assert len(client.get_metric_history(children[0].info.run_id, "test/loss")) == 1


def test_a_server_that_is_no_mlflow_is_refused_at_once(mlflow_server: Server, new: NewRun) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        start(Store(f"{mlflow_server.uri}/nowhere"), new)


def test_an_answer_that_nobody_expects_ends_no_job(tmp_path: Path) -> None:
    def of_another_version(client: MlflowClient) -> None:
        raise AttributeError("no field run_uuid")

    store = Store(f"sqlite:///{tmp_path}/runs.db")
    with pytest.raises(StoreFailed, match="AttributeError: no field run_uuid"):
        store.ask(of_another_version)


def test_a_full_disk_is_told_in_the_words_of_the_database() -> None:
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 1"))
        with pytest.raises(OperationalError) as full:
            connection.execute(text("CREATE TABLE runs (name)"))
    wrapped = MlflowException(f"{full.value}\n[SQL: INSERT INTO metrics ...]")
    wrapped.__cause__ = full.value
    assert mlflow_store.told(wrapped, "sqlite://") == "database or disk is full"
