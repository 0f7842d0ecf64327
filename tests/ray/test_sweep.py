"""Sweeps: trials are runs, the best one wins, what dies goes on, and MLflow has it all once."""

import pickle
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from ray.util import placement_group, placement_group_table

from clism_ray.config import PretrainConfig, to_tree
from clism_ray.config_file import load, parse, to_yaml
from clism_ray.config_sweep import SweepConfig
from clism_ray.errors import InputError
from clism_ray.finetune.cell import read_result
from clism_ray.report.sweep_outcome import print_sweep
from clism_ray.train import journal
from clism_ray.train.run import RESERVATION
from clism_ray.train.space import OBJECTIVE, STEP, sweep_folder
from clism_ray.train.sweep import SweepResult, sweep
from clism_ray.train.sweep_record import change_trial, open_sweep, write_sweep
from clism_ray.train.trials import RememberingAsha, free_reservation
from tests.corpora import write_tiny_corpus
from tests.drilled_run import without_cluster
from tests.kill import a_worker_killed, steps_run
from tests.started import killed_at_last
from tests.tasks_data import write_sentences

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

ROOT = Path(__file__).resolve().parents[2]
STEPS = 8
STEPS_TO_KILL = 200
WEIGHT = "losses.mlm.weight"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "tiny"
    write_tiny_corpus(folder, rows=300)
    return folder


def configuration(corpus: Path, storage: Path, **changes: object) -> SweepConfig:
    """Good, bad and impossible: without a weight MLM learns nothing, with this one it overflows."""
    tree: dict[str, object] = {
        "name": "tiny",
        "space": {WEIGHT: {"choice": [1.0, 0.0, 1e38]}},
        "search": "grid",
        "objective": "validation/loss/mlm",
        "mode": "min",
        "asha": {"grace_steps": 4, "reduction": 2},
        "trials_at_once": 1,
        "pretrain": {
            "corpus": str(corpus),
            "storage": str(storage),
            "tokenizer": {"vocabulary": 400},
            "model": {"scratch": {"layers": 1, "hidden": 32, "heads": 2, "intermediate": 64}},
            "optimizer": {"learning_rate": 3e-3},
            "batch": {"slots": 2, "pairs": 4},
            "length": {"steps": STEPS},
            "scaling": {"workers": 1, "threads_per_worker": 1, "data_tasks_per_worker": 1},
            "checkpoint": {"every_steps": 2},
            "validation": {"every_steps": 4, "pairs_per_language": 4},
        },
        **changes,
    }
    return parse(SweepConfig, tree)


def runs_of(result: SweepResult) -> tuple[Run, dict[str, Run]]:
    """The sweep's run in MLflow and its children by name."""
    client = MlflowClient(tracking_uri=result.tracking_uri)
    experiment = client.get_experiment_by_name("clism")
    assert experiment
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if run.data.tags.get("kind") == "sweep")
    children = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1
    by_name = {run.info.run_name: run for run in children}
    assert len(by_name) == len(children)
    return parent, by_name


def steps_logged(result: SweepResult, run: Run) -> list[int]:
    client = MlflowClient(tracking_uri=result.tracking_uri)
    return [p.step for p in client.get_metric_history(run.info.run_id, "loss/total")]


@pytest.fixture(scope="module")
def result(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    return sweep(configuration(corpus, tmp_path_factory.mktemp("sweep")))


def test_good_trials_finish_bad_ones_stop_early_and_failed_ones_are_reported(
    result: SweepResult,
) -> None:
    found = {trial.values[WEIGHT]: trial for trial in result.record.trials.values()}
    statuses = {weight: trial.status for weight, trial in found.items()}
    assert statuses == {1.0: "finished", 0.0: "stopped early", 1e38: "failed"}
    assert "is not finite at step 1" in (found[1e38].problem or "")
    (failed,) = (name for name, trial in result.record.trials.items() if trial is found[1e38])
    begun = [
        entry.values["status"]
        for entry in journal.read(result.folder / "runs" / failed / journal.JOURNAL)
        if entry.kind == "event"
    ]
    assert begun.count("training") == 2, "it was not tried again"
    assert result.record.trials[result.best].values == {WEIGHT: 1.0}
    assert not list(result.folder.glob("runs/*/checkpoints"))
    states = {group["state"] for group in placement_group_table().values()}
    assert states == {"REMOVED"}, "a trial that was cut short still holds CPUs"


def test_mlflow_has_a_parent_and_a_child_a_trial_with_its_curve(result: SweepResult) -> None:
    parent, children = runs_of(result)
    assert set(children) == set(result.record.trials)
    assert parent.data.tags["best_trial"] == result.best
    assert parent.data.params[f"space.{WEIGHT}"] == '{"choice": [1.0, 0.0, 1e+38]}'
    assert parent.data.params["objective"] == "validation/loss/mlm"
    for name, trial in result.record.trials.items():
        data, steps = children[name].data, steps_logged(result, children[name])
        assert float(data.params[WEIGHT]) == trial.values[WEIGHT]
        assert data.tags["trial_status"] == trial.status
        assert data.tags["problem"] == (trial.problem or "")
        assert {"identity", "corpus", "git_commit", "seed", "folder"} <= set(data.tags)
        whole = list(range(1, STEPS + 1))
        assert steps == {"finished": whole, "stopped early": whole[:4], "failed": []}[trial.status]


def test_what_a_trial_reserved_is_given_back_without_ray_trains_help(tmp_path: Path) -> None:
    group = placement_group([{"CPU": 0.5}])
    ray.get(group.ready())
    (tmp_path / RESERVATION).write_text(group.id.hex())
    free_reservation(tmp_path)
    free_reservation(tmp_path)  # nothing left to do
    assert placement_group_table(group)["state"] == "REMOVED"


def test_a_sweep_says_what_became_of_its_trials_and_which_is_best(
    corpus: Path, result: SweepResult, capsys: pytest.CaptureFixture[str]
) -> None:
    print_sweep(configuration(corpus, result.folder.parent.parent), result)
    printed = capsys.readouterr().out
    assert "3 trials: 1 finished, 1 stopped early, 1 failed" in printed
    assert f"best:     {result.best}  validation/loss/mlm {result.objective:.4g}" in printed
    assert str(result.folder / "best.yaml") in printed


def test_the_best_trial_is_a_configuration_for_pretrain(result: SweepResult) -> None:
    best = load(PretrainConfig, result.folder / "best.yaml")
    assert best.losses.mlm.weight == 1.0
    assert (best.name, Path(best.storage)) == ("tiny-best", result.folder.parent.parent)


def test_the_page_and_its_figures_are_there_and_in_mlflow(result: SweepResult) -> None:
    page = (result.folder / "report" / "page.html").read_text()
    assert all(name in page for name in result.record.trials)
    parent, _ = runs_of(result)
    client = MlflowClient(tracking_uri=result.tracking_uri)
    kept = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"best.yaml", "page.html", "curves.svg"} <= kept
    assert parent.data.metrics["best/validation/loss/mlm"] == pytest.approx(result.objective)


def test_a_finished_sweep_says_so_and_runs_nothing(
    corpus: Path, result: SweepResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clism_ray.train.sweep.cluster", None)
    again = sweep(configuration(corpus, result.folder.parent.parent))
    assert (again.best, again.record) == (result.best, result.record)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "other", "objective": "validation/accuracy/en-xx"}, "is never reported"),
        ({"space": {WEIGHT: {"choice": [1.0]}}}, "exists in .* with other settings"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(
    corpus: Path, result: SweepResult, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        sweep(configuration(corpus, result.folder.parent.parent, **changes))


def test_more_than_the_cluster_has_is_said_at_once(corpus: Path, tmp_path: Path) -> None:
    config = configuration(corpus, tmp_path)
    tree = {**vars(config.pretrain), "scaling": {"workers": 2, "cpus_per_worker": 64}}
    with pytest.raises(InputError, match="asks for 2 workers of 64 CPU"):
        sweep(configuration(corpus, tmp_path, pretrain=tree))


@pytest.mark.drill
def test_a_sweep_that_was_interrupted_and_whose_driver_died_goes_on_with_the_same_trials(
    corpus: Path, tmp_path: Path
) -> None:
    config = configuration(corpus, tmp_path, space={WEIGHT: {"choice": [1.0, 0.5]}}, asha=None)
    (tmp_path / "sweep.yaml").write_text(to_yaml(config))
    with driver_of(tmp_path) as driver:
        first = wait_for_a_checkpoint(tmp_path, driver)
        driver.send_signal(signal.SIGINT)
        assert "interrupted after 0 of 2 trials; start it again" in driver.communicate()[1]
        assert driver.returncode == 1
    interrupted = time.time() * 1000
    with driver_of(tmp_path) as driver:
        second = wait_for_a_checkpoint(tmp_path, driver, but=first)
        driver.send_signal(signal.SIGKILL)
    killed = time.time() * 1000
    result = sweep(config)
    assert [trial.status for trial in result.record.trials.values()] == ["finished"] * 2
    assert list(result.record.trials) == [first.name, second.name]
    for trial, ended in ((first, interrupted), (second, killed)):
        again = journal.read_from(trial / journal.JOURNAL, 0)[0]
        restarted = [e for e in again if e.step == 1 and e.time > ended + 5_000]
        assert not restarted, "it began anew"
        entries = [e for e in journal.read(trial / journal.JOURNAL) if e.kind == "train"]
        assert [entry.step for entry in entries] == list(range(1, STEPS + 1))
    _, children = runs_of(result)
    for run in children.values():
        assert steps_logged(result, run) == list(range(1, STEPS + 1))


def driver_of(storage: Path) -> AbstractContextManager["subprocess.Popen[str]"]:
    """A process that runs the sweep on a cluster of its own."""
    command = [sys.executable, "jobs/sweep.py", "--config", str(storage / "sweep.yaml")]
    return killed_at_last(
        subprocess.Popen(
            command, cwd=ROOT, env=without_cluster(), stderr=subprocess.PIPE, text=True
        )
    )


def wait_for_a_checkpoint(
    storage: Path, driver: "subprocess.Popen[str]", but: Path | None = None
) -> Path:
    """The folder of a trial once it has a whole checkpoint."""
    while driver.poll() is None:
        for path in storage.glob("sweeps/tiny/runs/*/checkpoints/*/rank-00000.json"):
            if path.parents[2] != but:
                return path.parents[2]
        time.sleep(0.02)
    raise AssertionError(f"the sweep ended before its checkpoint: {driver.communicate()[1]}")


@pytest.mark.drill
def test_a_trial_outlives_its_worker_and_ends_with_a_few_shot_cell(
    corpus: Path, tmp_path: Path
) -> None:
    write_sentences(tmp_path / "train.tags", 0, 10)
    write_sentences(tmp_path / "test.en.tags", 50, 6)
    tests = {"panx": {"path": str(tmp_path / "test.{language}.tags"), "languages": ["en"]}}
    shared = to_tree(configuration(corpus, tmp_path).pretrain)
    config = configuration(
        corpus,
        tmp_path,
        space={"seed": {"choice": [1]}},
        asha=None,
        objective="test/loss",
        pretrain={
            **shared,
            "length": {"steps": STEPS_TO_KILL},
            "checkpoint": {"every_steps": 20},
            "tracking": {"log_every_steps": 1},
        },
        few_shot={
            "ner": {"train": str(tmp_path / "train.tags"), "format": "wikiann", "tests": tests},
            "size": 8,
            "optimizer": {"learning_rate": 1e-3},
            "length": {"steps": 2},
        },
    )
    with a_worker_killed(tmp_path, STEPS_TO_KILL):
        result = sweep(config)
    run = result.folder / "runs" / result.best
    steps = steps_run(run)
    assert len(steps) > len(set(steps)) == STEPS_TO_KILL, (
        "no step ran twice: nothing was killed in time"
    )
    cell = read_result(run / "few_shot")
    assert cell
    assert cell.train.examples == 8
    assert result.objective == cell.loss > 0
    (child,) = runs_of(result)[1].values()
    assert child.data.metrics["test/loss"] == cell.loss
    assert child.data.metrics["test/panx/f1"] == cell.scores["panx/en"].metrics["f1"]


def test_after_a_restart_halving_knows_what_earlier_trials_reached(
    corpus: Path, tmp_path: Path
) -> None:
    config = configuration(corpus, tmp_path)
    folder = sweep_folder(config)
    write_sweep(folder, open_sweep(config, "abc"))
    scheduler = RememberingAsha(
        folder=str(folder),
        sweep="tiny",
        objective=config.objective,
        steps=STEPS,
        metric=OBJECTIVE,
        mode="min",
        grace_period=4,
        reduction_factor=2,
    )
    as_pickled = pickle.dumps(scheduler)
    for name, value in (("good", 1.0), ("better", 0.5)):
        change_trial(folder, f"tiny-{name}", values={WEIGHT: 1.0}, status="finished")
        (folder / "runs" / f"tiny-{name}").mkdir(parents=True)
        entry = journal.entry("validation", 4, {config.objective: value})
        journal.append(folder / "runs" / f"tiny-{name}" / journal.JOURNAL, [entry])
    restored = pickle.loads(as_pickled)
    for value, decision in ((2.0, "STOP"), (0.2, "CONTINUE")):
        trial = SimpleNamespace(trial_id=f"new-{value}")
        restored.on_trial_add(None, trial)
        assert restored.on_trial_result(None, trial, {STEP: 4, OBJECTIVE: value}) == decision
    bad_at_its_end = SimpleNamespace(trial_id="new-bad")
    restored.on_trial_add(None, bad_at_its_end)
    last = {STEP: STEPS, OBJECTIVE: 9.0}
    assert restored.on_trial_result(None, bad_at_its_end, last) == "CONTINUE", "it exports first"
