"""The trials of a sweep as its driver sees them: what becomes of each, and its run in MLflow.

Trials write journals and nothing else. The driver reads them, so a store has one writer, and no
trial waits for it.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ray import tune

from clism_ray import tracking
from clism_ray.config import PretrainConfig, SweepConfig, to_tree
from clism_ray.errors import InputError, causes, input_error_in
from clism_ray.train import journal, progress
from clism_ray.train.driver import lineage, without_password
from clism_ray.train.run import run_folder
from clism_ray.train.space import (
    objective_curve,
    sweep_folder,
    trial_config,
    trial_count,
    trial_name,
)
from clism_ray.train.status import FAILED, FINISHED, RUNNING, STOPPED_EARLY
from clism_ray.train.sweep_record import (
    TrialRecord,
    change_trial,
    read_sweep,
)


class RecordTrials(tune.Callback):  # type: ignore[misc]
    """Ray Tune's word on what becomes of each trial. Pickled with the sweep, so it holds little."""

    def __init__(self, config: SweepConfig, steps: int) -> None:
        self.config = config
        self.steps = steps

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Begin, or begin again."""
        values = {key: _plain(trial.config[key]) for key in self.config.space}
        self._change(trial, values=values, status=RUNNING, problem=None, delivered=False)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The end of a trial, its own or the scheduler's."""
        whole = trial.last_result.get("step", 0) >= self.steps
        self._end(trial, status=FINISHED if whole else STOPPED_EARLY)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial that failed too often: told with its values, and the sweep goes on."""
        error = trial.get_pickled_error() or trial.get_error() or RuntimeError("cause unknown")
        problem = str(input_error_in(error) or list(causes(error))[-1])
        record = self._end(trial, status=FAILED, problem=problem)
        name = trial_name(self.config, trial.trial_id)
        print(f"trial {name} failed: {problem}\n  {progress.settings(record.values)}", flush=True)

    def _change(self, trial: Any, **changes: Any) -> TrialRecord:
        name = trial_name(self.config, trial.trial_id)
        return change_trial(sweep_folder(self.config), name, **changes)

    def _end(self, trial: Any, **changes: Any) -> TrialRecord:
        record = self._change(trial, **changes)
        run = trial_config(self.config, record.values, trial_name(self.config, trial.trial_id))
        shutil.rmtree(run_folder(run) / "checkpoints", ignore_errors=True)  # of every trial: much
        return record


def curve_of(config: SweepConfig, name: str, trial: TrialRecord) -> list[tuple[int, float]]:
    """Steps of a trial and the objective there."""
    path = run_folder(trial_config(config, trial.values, name)) / journal.JOURNAL
    return _curve(journal.read_from(path, 0)[0], config)


def follow_trials(
    config: SweepConfig, steps: int, uri: str, parent: str, corpus_hash: str
) -> Iterator[None]:
    """Each pass brings MLflow and the terminal up to date with every trial."""
    followed: dict[str, Iterator[None]] = {}
    began, over_then = time.monotonic(), _over(config)
    over = over_then
    while True:
        for name, trial in read_sweep(sweep_folder(config)).trials.items():
            if trial.delivered:
                followed.pop(name, None)
                continue
            if name not in followed:
                run = trial_config(config, trial.values, name)
                tags = {**lineage(run, corpus_hash), tracking.PARENT: parent}
                followed[name] = _follow_trial(config, steps, uri, run, trial.values, tags)
            next(followed[name])
        if (now := _over(config)) > over:
            over = now
            pace = (time.monotonic() - began) / (over - over_then)
            print(progress.describe_sweep(over, trial_count(config), pace), flush=True)
        yield


def _over(config: SweepConfig) -> int:
    trials = read_sweep(sweep_folder(config)).trials.values()
    return sum(trial.status != RUNNING for trial in trials)


def _follow_trial(
    config: SweepConfig,
    steps: int,
    uri: str,
    run: PretrainConfig,
    values: dict[str, Any],
    tags: dict[str, str],
) -> Iterator[None]:
    folder, name = sweep_folder(config), run.name
    path = run_folder(run) / journal.JOURNAL
    entries, position = journal.read_from(path, 0)
    shown = len(_curve(entries, config))  # what an earlier start has shown
    tracker, taken, warned = None, 0, False
    while True:
        trial = read_sweep(folder).trials[name]  # before the journal: once over, that is all of it
        new, position = journal.read_from(path, position)
        entries += new
        curve = _curve(entries, config)
        for step, value in curve[shown:]:
            told = progress.describe_trial(name, step, steps, config.objective, value, values)
            print(told, flush=True)
        shown = len(curve)
        try:
            tracker = tracker or _child(folder, run, uri, trial, tags)
            tracker.deliver(entries[taken:])
            taken = len(entries)
            if trial.status != RUNNING and _close(tracker, trial, run, entries):
                change_trial(folder, name, delivered=True)
        except (InputError, *tracking.STORE_ERRORS) as error:
            if not warned:
                print(f"MLflow takes nothing ({tracking.told(error, uri)}); it waits in {path}")
                warned = True
        yield


def _curve(entries: list[journal.Entry], config: SweepConfig) -> list[tuple[int, float]]:
    return objective_curve(list(journal.first_of_each(entries)), config.objective)


def _child(
    folder: Path, run: PretrainConfig, uri: str, trial: TrialRecord, tags: dict[str, str]
) -> tracking.Tracker:
    """The trial's run in MLflow, made once however often the sweep is started."""
    tracker = tracking.start(
        uri,
        run.tracking.experiment,
        folder / "mlflow",
        run.name,
        trial.mlflow_run,
        to_tree(without_password(run)),
        {**tags, "trial_status": RUNNING},
    )
    change_trial(folder, run.name, mlflow_run=tracker.run_id)
    return tracker


def _close(
    tracker: tracking.Tracker, trial: TrialRecord, run: PretrainConfig, entries: list[journal.Entry]
) -> bool:
    tracker.tag(trial_status=trial.status, problem=trial.problem or "")
    settings = run_folder(run) / "config.yaml"
    artefacts = [(settings, None)] if settings.is_file() else []
    return tracker.close(trial.status, entries, artefacts)


def _plain(value: Any) -> Any:
    """A sampled value as JSON knows it."""
    return value.item() if isinstance(value, np.generic) else value
