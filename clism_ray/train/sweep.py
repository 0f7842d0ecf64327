"""The driver of a sweep: Ray Tune over runs, MLflow's parent and children, the best of them.

<storage>/sweeps/<name>.lock
<storage>/sweeps/<name>/
    sweep.json    see `sweep_record`
    tokenizer/    shared by the trials that ask for the same
    tune/         what Ray Tune needs to go on after its driver died
    runs/         a run a trial, see `run`
    best.yaml     the configuration of the best trial, for `pretrain`
    report/       the page and its figures
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
from clism_ray.errors import InputError
from clism_ray.train import journal, preflight
from clism_ray.train.driver import Plan, check_plan, plan_run, without_password
from clism_ray.train.follow import following
from clism_ray.train.run import hold, make_tokenizer
from clism_ray.train.space import (
    check_objective,
    check_space,
    sweep_folder,
    trial_count,
)
from clism_ray.train.status import FINISHED
from clism_ray.train.sweep_record import (
    SweepRecord,
    change_sweep,
    open_sweep,
    read_sweep,
)
from clism_ray.train.sweep_result import SweepResult, result_of, write_best, write_report
from clism_ray.train.trial import OBJECTIVE, STEP, trial
from clism_ray.train.trials import RecordTrials, follow_trials

_DRIVER_CPUS = 0.01  # of a trial: it waits for its workers


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
            cluster.connect(minimum_cpus=2, dashboard=True)  # trials are cut short
            check_plan(plan)
            corpus = Path(plan.recipe.corpus)
            make_tokenizer(config.pretrain, corpus, plan.manifest, folder / "tokenizer")
        if not record.delivered:
            record = _run_tracked(config, plan, record, uri)
        return result_of(config, record, uri)


def _run_tracked(config: SweepConfig, plan: Plan, record: SweepRecord, uri: str) -> SweepRecord:
    """Run the trials that are left, with MLflow and the terminal following."""
    folder = sweep_folder(config)
    corpus_hash = plan.manifest.content_hash
    parent = _parent(config, record, uri, corpus_hash)
    change_sweep(folder, mlflow_run=parent.run_id)
    with following(follow_trials(config, plan.steps, uri, parent.run_id, corpus_hash)):
        if record.status != FINISHED:
            _tuner(config, plan.steps).fit()
            record = change_sweep(folder, status=FINISHED)
    result = result_of(config, read_sweep(folder), uri)
    files = [write_best(config, result)]
    delivered = all(trial.delivered for trial in result.record.trials.values())
    try:
        metrics, pages = write_report(config, result)
        files += pages
        parent.tag(best_trial=result.best)
        summary = [journal.entry("validation", len(result.record.trials), metrics)]
        delivered &= parent.close(FINISHED, summary, [(file, None) for file in files])
    except (InputError, *tracking.STORE_ERRORS) as error:
        print(f"MLflow did not take the sweep's outcome: {tracking.told(error, uri)}")
        delivered = False
    return change_sweep(folder, delivered=delivered)


def _parent(
    config: SweepConfig, record: SweepRecord, uri: str, corpus_hash: str
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
        {
            "kind": "sweep",
            "identity": record.identity_hash,
            "corpus": corpus_hash,
            "git_commit": tracking.git_commit(),
            "seed": str(config.seed),
            "folder": str(sweep_folder(config)),
        },
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
