"""The driver of a sweep: Ray Tune over runs, MLflow's parent and children, the best of them.

<storage>/sweeps/<name>.lock
<storage>/sweeps/<name>/
    sweep.json    see `sweep_record`
    tokenizer/    shared by the trials that ask for the same
    tune/         what Ray Tune needs to go on after its driver died
    runs/         a run a trial, see `run`
    best.yaml     the configuration of the best trial, for `pretrain`
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator
from ray.tune.search.optuna import OptunaSearch

from clism_ray import cluster, tracking
from clism_ray.config import SpaceEntry, SweepConfig, to_tree
from clism_ray.config_file import to_yaml
from clism_ray.errors import RunFailed
from clism_ray.train import preflight
from clism_ray.train.driver import Plan, check_plan, plan_run, without_password
from clism_ray.train.follow import following
from clism_ray.train.run import hold, make_tokenizer
from clism_ray.train.space import (
    check_objective,
    check_space,
    sweep_folder,
    trial_count,
    with_values,
)
from clism_ray.train.sweep_record import (
    FAILED,
    FINISHED,
    SweepRecord,
    change_sweep,
    open_sweep,
    read_sweep,
)
from clism_ray.train.trial import OBJECTIVE, STEP, trial
from clism_ray.train.trials import RecordTrials, curve_of, follow_trials

_DRIVER_CPUS = 0.01  # of a trial: it waits for its workers


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What a sweep came to."""

    folder: Path
    record: SweepRecord
    best: str  # name of the best trial
    objective: float  # its last one
    tracking_uri: str


def sweep(config: SweepConfig) -> SweepResult:
    """Run, or go on with, a sweep.

    Raises:
        InputError: something the configuration names cannot be used.
        RunFailed: no trial came to a result.
    """
    folder = sweep_folder(config)
    with hold(folder, f"the sweep {config.name!r}"):
        check_space(config)
        # As a run that shares the sweep's settings; only its trials are trained.
        plan = plan_run(dataclasses.replace(config.pretrain, storage=str(folder)))
        check_objective(config, plan.manifest.language_pairs)
        uri = config.pretrain.tracking.uri or tracking.default_uri(folder.parent.parent)
        record = open_sweep(config, plan.manifest.content_hash)
        if record.status != FINISHED:
            check_plan(plan)
            corpus = Path(plan.recipe.corpus)
            make_tokenizer(config.pretrain, corpus, plan.manifest, folder / "tokenizer")
        if not record.delivered:
            record = _run_tracked(config, plan, record, uri)
        return _result(config, record, uri)


def _run_tracked(config: SweepConfig, plan: Plan, record: SweepRecord, uri: str) -> SweepRecord:
    """Run the trials that are left, with MLflow and the terminal following."""
    folder = sweep_folder(config)
    tags = {"corpus": plan.manifest.content_hash, "git_commit": tracking.git_commit()}
    parent = _parent(config, record, uri, {**tags, "identity": record.identity_hash})
    change_sweep(folder, mlflow_run=parent.run_id)
    with following(follow_trials(config, plan.steps, uri, parent.run_id, tags)):
        if record.status != FINISHED:
            _tuner(config, plan.steps).fit()
            record = change_sweep(folder, status=FINISHED)
    result = _result(config, read_sweep(folder), uri)
    _write_best(config, result)
    parent.tag(best_trial=result.best)
    entries: list[Any] = []
    delivered = parent.close("finished", entries, [(folder / "best.yaml", None)])
    delivered &= all(trial.delivered for trial in result.record.trials.values())
    return change_sweep(folder, delivered=delivered)


def _parent(
    config: SweepConfig, record: SweepRecord, uri: str, tags: dict[str, str]
) -> tracking.Tracker:
    """The sweep's own run in MLflow."""
    tree = to_tree(dataclasses.replace(config, pretrain=without_password(config.pretrain)))
    space = {
        key: json.dumps({kind: values for kind, values in entry.items() if values is not None})
        for key, entry in tree.pop("space").items()
    }
    shared = tree.pop("pretrain")
    return tracking.start(
        uri,
        config.pretrain.tracking.experiment,
        sweep_folder(config) / "mlflow",
        config.name,
        record.mlflow_run,
        {**tree, "trials": trial_count(config), "pretrain": shared, "space": space},
        {**tags, "kind": "sweep"},
    )


def _tuner(config: SweepConfig, steps: int) -> tune.Tuner:
    """Ray Tune's driver: a new one, or the one that died."""
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")  # MLflow remembers
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the other one is silent when asked to be
    folder = sweep_folder(config)
    run = tune.with_resources(
        tune.with_parameters(trial, config=config), resources={"CPU": _DRIVER_CPUS}
    )
    if tune.Tuner.can_restore(str(folder / "tune")):
        return tune.Tuner.restore(str(folder / "tune"), trainable=run, resume_errored=True)
    at_once = preflight.runs_at_once(config.pretrain, cluster.nodes(), _DRIVER_CPUS)
    at_once = max(1, min(at_once, config.trials_at_once or at_once))
    whole = steps + 1  # a trial that took all its steps ends by itself
    asha = config.asha and ASHAScheduler(
        time_attr=STEP,
        max_t=whole,
        grace_period=min(config.asha.grace_steps, steps),
        reduction_factor=config.asha.reduction,
    )
    by_optuna = config.search == "optuna"
    search = (
        OptunaSearch(seed=config.seed)
        if by_optuna
        else BasicVariantGenerator(random_state=config.seed, max_concurrent=at_once)
    )
    return tune.Tuner(
        run,
        param_space={key: _domain(entry, config) for key, entry in config.space.items()},
        tune_config=tune.TuneConfig(
            metric=OBJECTIVE,
            mode=config.mode,
            search_alg=search,
            scheduler=asha,
            num_samples=config.trials or 1,
            max_concurrent_trials=at_once if by_optuna else None,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(folder),
            failure_config=tune.FailureConfig(max_failures=config.retries),
            callbacks=[RecordTrials(config, steps)],
            verbose=0,
        ),
    )


def _domain(entry: SpaceEntry, config: SweepConfig) -> Any:
    """Ray Tune's name for the values of a key."""
    if entry.loguniform:
        return tune.loguniform(*entry.loguniform)
    if entry.uniform:
        return tune.uniform(*entry.uniform)
    if entry.integers:
        first, last = entry.integers
        return tune.randint(first, last + 1)
    choices = list(entry.choice or ())
    return tune.grid_search(choices) if config.search == "grid" else tune.choice(choices)


def _result(config: SweepConfig, record: SweepRecord, uri: str) -> SweepResult:
    """The best trial by its last objective; a trial that failed does not count."""
    sound = {name: t for name, t in record.trials.items() if t.status != FAILED}
    curves = {name: curve_of(config, name, trial) for name, trial in sound.items()}
    last = {name: curve[-1][1] for name, curve in curves.items() if curve}
    if not last:
        problems = {trial.problem for trial in record.trials.values() if trial.problem}
        raise RunFailed(
            f"none of the {len(record.trials)} trials of {config.name!r} came to a result:\n  "
            + "\n  ".join(sorted(problems))
        )
    best = (max if config.mode == "max" else min)(last, key=lambda name: last[name])
    return SweepResult(
        folder=sweep_folder(config),
        record=record,
        best=best,
        objective=last[best],
        tracking_uri=uri,
    )


def _write_best(config: SweepConfig, result: SweepResult) -> None:
    """The winning configuration, ready for `pretrain`."""
    values = result.record.trials[result.best].values
    winner = dataclasses.replace(with_values(config.pretrain, values), name=f"{config.name}-best")
    path = result.folder / "best.yaml"
    path.write_text(
        f"# python jobs/pretrain.py --config {path}\n"
        f"# {result.best}: {config.objective} {result.objective:.6g}, the best of "
        f"{len(result.record.trials)} trials\n" + to_yaml(without_password(winner)),
        encoding="utf-8",
    )
