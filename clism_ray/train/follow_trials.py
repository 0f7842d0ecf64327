"""Following the trials of a sweep: their journals to MLflow and to the terminal as they go on.

Trials write journals and nothing else. The sweep's driver reads them, so a store has one writer,
and no trial waits for it.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clism_ray import tracking
from clism_ray.config import PretrainConfig, to_tree
from clism_ray.config_sweep import SweepConfig
from clism_ray.errors import InputError
from clism_ray.train import journal, progress
from clism_ray.train.driver import lineage
from clism_ray.train.run import run_folder
from clism_ray.train.space import objective_curve, sweep_folder, trial_config, trial_count
from clism_ray.train.status import RUNNING
from clism_ray.train.sweep_record import TrialRecord, change_trial, read_sweep


def follow_trials(
    config: SweepConfig, steps: int, uri: str, parent: str, corpus_hash: str
) -> Iterator[None]:
    """Each pass brings MLflow and the terminal up to date with every trial."""
    followed: dict[str, Iterator[None]] = {}
    began, over_before = time.monotonic(), _count_over(config)
    told = over_before
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
        if (over := _count_over(config)) > told:
            told = over
            pace = (time.monotonic() - began) / (over - over_before)
            print(progress.describe_sweep(over, trial_count(config), pace), flush=True)
        yield


def _count_over(config: SweepConfig) -> int:
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
        folder.parent.parent / "mlflow",
        run.name,
        trial.mlflow_run,
        to_tree(tracking.keepable(run)),
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
