"""Sweeps: trials are runs, the best wins, what dies goes on, MLflow has one parent and its children."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from clism_ray.config import PretrainConfig, SweepConfig
from clism_ray.config_file import load, parse
from clism_ray.train.sweep import SweepResult, sweep
from tests.corpora import write_tiny_corpus

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

STEPS = 6


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "tiny"
    write_tiny_corpus(folder, rows=300)
    return folder


def configuration(corpus: Path, storage: Path, **changes: object) -> SweepConfig:
    tree: dict[str, object] = {
        "name": "tiny",
        "space": {"losses.cacr.temperature": {"choice": [0.05, 20.0]}},
        "search": "grid",
        "objective": "validation/loss/clism",
        "mode": "min",
        "pretrain": {
            "corpus": str(corpus),
            "storage": str(storage),
            "tokenizer": {"vocabulary": 400},
            "model": {"scratch": {"layers": 1, "hidden": 32, "heads": 2, "intermediate": 64}},
            "batch": {"slots": 2, "pairs": 4},
            "length": {"steps": STEPS},
            "scaling": {"workers": 1, "threads_per_worker": 1},
            "checkpoint": {"every_steps": 2},
            "validation": {"every_steps": 2, "pairs_per_language": 4},
        },
        **changes,
    }
    return parse(SweepConfig, tree)


def children(result: SweepResult) -> dict[str, object]:
    client = MlflowClient(tracking_uri=result.tracking_uri)
    parent = client.get_run(result.record.mlflow_run)
    found = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    return {run.info.run_name: run for run in found}


@pytest.fixture(scope="module")
def grid(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    return sweep(configuration(corpus, tmp_path_factory.mktemp("grid")))


def test_every_trial_is_a_child_run_with_its_values_and_curves(grid: SweepResult) -> None:
    assert grid.record.status == "finished"
    assert [trial.status for trial in grid.record.trials.values()] == ["finished"] * 2
    runs = children(grid)
    assert set(runs) == set(grid.record.trials)
    for name, trial in grid.record.trials.items():
        data = runs[name].data
        assert (
            float(data.params["losses.cacr.temperature"]) == trial.values["losses.cacr.temperature"]
        )
        assert data.tags["trial_status"] == "finished"
        client = MlflowClient(tracking_uri=grid.tracking_uri)
        history = client.get_metric_history(runs[name].info.run_id, "loss/total")
        assert [point.step for point in history] == list(range(1, STEPS + 1))
    assert not list(grid.folder.glob("runs/*/checkpoints"))


def test_the_best_trial_is_a_configuration_for_pretrain(grid: SweepResult) -> None:
    best = load(PretrainConfig, grid.folder / "best.yaml")
    won = grid.record.trials[grid.best].values["losses.cacr.temperature"]
    assert best.losses.cacr.temperature == won
    assert best.name == "tiny-best"
