"""Following the trials of a sweep: their journals to MLflow and to the terminal as they go on.

Trials write journals and nothing else. The sweep's driver reads them, so a store has one writer,
and no trial waits for it.
"""

import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Any

from clism_ray import tracking
from clism_ray.config import PretrainConfig, to_tree
from clism_ray.config_sweep import SweepConfig
from clism_ray.store import Store, StoreFailed
from clism_ray.tracked_run import NewRun
from clism_ray.train import journal, progress
from clism_ray.train.driver import lineage
from clism_ray.train.follow import PASS_SECONDS
from clism_ray.train.run import run_folder
from clism_ray.train.space import objective_curve, sweep_folder, trial_config, trial_count
from clism_ray.train.status import RUNNING
from clism_ray.train.sweep_record import SweepRecord, TrialRecord, change_trial, read_sweep
from clism_ray.train.tracking_record import keepable


def sweep_run(
    config: SweepConfig, record: SweepRecord, uri: str, corpus_hash: str
) -> tracking.Tracker:
    """The sweep's own run in MLflow. InputError if the store can never be used."""
    tree = to_tree(dataclasses.replace(config, pretrain=keepable(config.pretrain)))
    space = {
        key: json.dumps({kind: values for kind, values in entry.items() if values is not None})
        for key, entry in tree.pop("space").items()
    }
    shared = tree.pop("pretrain")
    folder = sweep_folder(config)
    new = NewRun(
        name=config.name,
        experiment=config.pretrain.tracking.experiment,
        artefacts=folder.parent.parent / "mlflow",
        folder=folder,
        parameters={**tree, "trials": trial_count(config), "pretrain": shared, "space": space},
        tags={
            "kind": "sweep",
            "identity": record.identity_hash,
            "corpus": corpus_hash,
            "git_commit": tracking.git_commit(),
            "seed": str(config.seed),
            "folder": str(folder),
        },
    )
    return tracking.start(Store(uri), new, record.mlflow_run)


def follow_trials(
    config: SweepConfig, steps: int, parent: tracking.Tracker, corpus_hash: str
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
                tags = lineage(run, corpus_hash)
                followed[name] = _follow_trial(config, steps, parent, run, trial.values, tags)
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
    parent: tracking.Tracker,
    run: PretrainConfig,
    values: dict[str, Any],
    tags: dict[str, str],
) -> Iterator[None]:
    folder, name = sweep_folder(config), run.name
    path = run_folder(run) / journal.JOURNAL
    entries, position = journal.read_from(path, 0)
    shown = len(_curve(entries, config))  # what an earlier start has shown
    tracker, taken = None, 0
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
            tracker = tracker or _child(parent, run, trial, tags)
            if tracker.deliver(entries[taken:], PASS_SECONDS):
                taken = len(entries)
                if trial.status != RUNNING:
                    _end(tracker, trial, run, entries)
                    change_trial(folder, name, delivered=True, mlflow_run=tracker.run_id)
        except StoreFailed as error:
            parent.store.tell(error, path)
        yield


def _curve(entries: list[journal.Entry], config: SweepConfig) -> list[tuple[int, float]]:
    return objective_curve(list(journal.first_of_each(entries)), config.objective)


def _child(
    parent: tracking.Tracker, run: PretrainConfig, trial: TrialRecord, tags: dict[str, str]
) -> tracking.Tracker:
    """The trial's run in MLflow, made once however often the sweep is started.

    Raises StoreFailed while there is no parent for it.
    """
    parent.open()
    new = NewRun(
        name=run.name,
        experiment=run.tracking.experiment,
        artefacts=parent.new.artefacts,
        folder=run_folder(run),
        parameters=to_tree(keepable(run)),
        tags={**tags, tracking.PARENT: str(parent.run_id), "trial_status": RUNNING},
    )
    return tracking.Tracker(parent.store, new, trial.mlflow_run)


def _end(
    tracker: tracking.Tracker, trial: TrialRecord, run: PretrainConfig, entries: list[journal.Entry]
) -> None:
    tracker.tag(trial_status=trial.status, problem=trial.problem or "")
    settings = run_folder(run) / "config.yaml"
    artefacts = [(settings, None)] if settings.is_file() else []
    tracker.end(trial.status, entries, artefacts)
