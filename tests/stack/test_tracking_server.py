"""Tracking and reports through an MLflow server, as it is started by the README's command."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from clism_ray import tracking
from clism_ray.report.runs import load_sweep
from clism_ray.store import Store
from clism_ray.train.journal import Entry
from clism_ray.train.status import FINISHED
from tests.mlflow_runs import new_run
from tests.mlflow_server import Server
from tests.planted import PLANTED, leaks

pytestmark = pytest.mark.timeout(120)


def test_a_sweep_and_its_trial_go_to_a_server_and_come_back(
    mlflow_server: Server, tmp_path: Path
) -> None:
    store = Store(mlflow_server.uri)

    def begin(name: str, parameters: dict[str, Any], tags: dict[str, str]) -> tracking.Tracker:
        return tracking.start(store, new_run(name, tmp_path, parameters, tags))

    settings = {"objective": "validation/accuracy", "mode": "max", "search": "random"}
    space = {"seed": '{"integers": [1, 9]}'}
    parent = begin("far", {**settings, "space": space}, {"kind": "sweep"})
    tags = {tracking.PARENT: str(parent.run_id), "trial_status": FINISHED}
    child = begin("far-1", {"seed": 3}, tags)
    entries = [Entry(n, "validation", n, {"validation/accuracy": n / 10}) for n in (1, 2)]
    kept = tmp_path / "config.yaml"
    kept.write_text("seed: 3\n")
    assert child.close(FINISHED, entries, [(kept, None)])
    assert parent.close(FINISHED, [], [])
    client = MlflowClient(tracking_uri=store.uri)
    assert [f.path for f in client.list_artifacts(str(child.run_id))] == ["config.yaml"]
    assert begin("far-1", {}, {}).run_id == child.run_id
    sweep = load_sweep(store.uri, "far")
    (trial,) = sweep.trials
    assert (trial.name, sweep.curve(trial)) == ("far-1", ((1, 0.1), (2, 0.2)))


def test_the_password_of_a_server_is_used_and_not_told(
    mlflow_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = mlflow_server.uri.replace("://", f"://me:{PLANTED}@")
    tracker = tracking.start(Store(uri), new_run("far", tmp_path, {"uri": uri}, {}))
    assert tracker.close(FINISHED, [Entry(1, "train", 1, {"loss/total": 1.0})], [])
    run = MlflowClient(tracking_uri=mlflow_server.uri).get_run(str(tracker.run_id))
    assert run.data.params == {"uri": mlflow_server.uri.replace("://", "://me:***@")}
    said = capsys.readouterr()
    assert leaks(said.out, said.err) == []
