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
import shutil
import warnings
from pathlib import Path
from typing import Any

import optuna
from ray import tune
from ray.tune.search.basic_variant import BasicVariantGenerator
from ray.tune.search.optuna import OptunaSearch

from clism_ray import cluster
from clism_ray.config_sweep import SpaceEntry, SweepConfig
from clism_ray.errors import InputError, RunFailed
from clism_ray.hold import hold
from clism_ray.masking.tokenizer import check_question
from clism_ray.store import StoreFailed
from clism_ray.train import journal, preflight
from clism_ray.train.driver import check_plan
from clism_ray.train.follow import following
from clism_ray.train.follow_trials import follow_trials, sweep_run
from clism_ray.train.launch import Plan, plan_run
from clism_ray.train.run import make_tokenizer
from clism_ray.train.space import (
    OBJECTIVE,
    sweep_folder,
    trial_count,
)
from clism_ray.train.space_checks import (
    check_few_shot,
    check_halving,
    check_objective,
    check_space,
)
from clism_ray.train.status import FAILED, FINISHED, RUNNING
from clism_ray.train.sweep_record import (
    SweepRecord,
    change_sweep,
    change_trial,
    open_sweep,
    read_sweep,
    write_sweep,
)
from clism_ray.train.sweep_result import SweepResult, result_of, write_best, write_report
from clism_ray.train.tracking_record import default_uri, keepable
from clism_ray.train.trial import run_trial
from clism_ray.train.trials import RecordTrials, RememberingAsha, remove_checkpoints

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
        check_objective(config, plan.manifest)
        check_halving(config, plan.steps)
        check_few_shot(config)
        uri = config.pretrain.tracking.uri or default_uri(folder.parent.parent)
        record = open_sweep(config, plan.manifest.content_hash)
        if record.status != FINISHED:
            cluster.connect(minimum_cpus=2)
            check_plan(plan)
            print(cluster.summary(), flush=True)
            corpus = plan.recipe.corpus
            make_tokenizer(config.pretrain, corpus, plan.manifest, folder / "tokenizer")
            check_question(str(folder / "tokenizer"))
            record = dataclasses.replace(record, at_once=_at_once(config, record))
            write_sweep(folder, record)
        if not record.delivered:
            record = _run_tracked(config, plan, record, uri)
        return result_of(config, record, uri)


def _run_tracked(config: SweepConfig, plan: Plan, record: SweepRecord, uri: str) -> SweepRecord:
    """Run the trials that are left, with MLflow and the terminal following."""
    folder = sweep_folder(config)
    corpus_hash = plan.manifest.content_hash
    parent = sweep_run(config, record, uri, corpus_hash)
    try:
        passes = follow_trials(config, plan.steps, parent, corpus_hash)
        with following(passes, parent.store):
            if record.status != FINISHED:
                with warnings.catch_warnings():
                    # A trial that goes on counts its reports anew; Optuna needs the last alone.
                    warnings.filterwarnings("ignore", "The reported value is ignored", UserWarning)
                    _tuner(_beside(config, record.at_once), plan.steps, record.at_once).fit()
                remove_checkpoints(folder)
                _end(config)
        result = result_of(config, read_sweep(folder), uri)
    except (RunFailed, KeyboardInterrupt):  # the latter by SIGTERM; Tune itself minds Ctrl-C
        parent.close(FAILED, [], [])
        raise
    change_sweep(folder, status=FINISHED)
    files = [write_best(config, result)]
    lacking = [name for name, trial in result.record.trials.items() if not trial.delivered]
    if lacking:
        print(f"MLflow lacks {len(lacking)} trials; the same command, started again, delivers them")
    delivered = not lacking
    parent.store.ask_anyway()
    try:
        parent.tag(best_trial=result.best)
        metrics, pages = write_report(config, result)
        files += pages
        ended = journal.read(folder / "runs" / result.best / journal.JOURNAL)[-1].time
        summary = [journal.Entry(ended, "validation", len(result.record.trials), metrics)]
        delivered &= parent.close(FINISHED, summary, [(file, None) for file in files])
    except (InputError, StoreFailed) as error:
        print(
            f"MLflow does not have the sweep's outcome, nor is there a page of it ({error}): the "
            "same command, started again, sees to both"
        )
        delivered = False
    return change_sweep(folder, delivered=delivered, mlflow_run=parent.run_id)


def _end(config: SweepConfig) -> None:
    """Settle what Ray Tune left when it returned; RunFailed if it was interrupted."""
    folder = sweep_folder(config)
    record = read_sweep(folder)
    over = [trial for trial in record.trials.values() if trial.status != RUNNING]
    if len(over) < trial_count(config):
        raise RunFailed(
            f"the sweep {config.name!r} was interrupted after {len(over)} of "
            f"{trial_count(config)} trials; start it again to go on"
        )
    for name, trial in record.trials.items():
        if trial.status == RUNNING:  # begun just before a driver died, and drawn anew
            change_trial(folder, name, status=FAILED, problem="lost with its driver")


def _at_once(config: SweepConfig, record: SweepRecord) -> int:
    """How many trials run at once: what the cluster holds when the sweep begins, and so ever after.

    Raises InputError if it holds not one trial beside its driver, or fewer than it did.
    """
    fits = preflight.runs_at_once(config.pretrain, cluster.nodes(), _DRIVER_CPUS)
    if not fits:
        scaling = config.pretrain.scaling
        raise InputError(
            f"a trial of {scaling.workers} workers of {scaling.cpus_per_worker:g} CPU and a data "
            f"task of {scaling.cpus_per_data_task:g} leaves no {_DRIVER_CPUS:g} CPU for its driver "
            "on any node; lower pretrain.scaling.cpus_per_worker"
        )
    if fits < record.at_once:
        raise InputError(
            f"the sweep {config.name!r} runs {record.at_once} trials at once, as when it began; "
            f"this cluster holds {fits}. Go on with it on a cluster of that size"
        )
    return record.at_once or min(fits, config.trials_at_once or fits)


def _beside(config: SweepConfig, at_once: int) -> SweepConfig:
    """The sweep as its trials are told of it, each with its share of the CPUs."""
    run = config.pretrain
    scaling = preflight.side_by_side(run.scaling, cluster.nodes(), at_once)
    return dataclasses.replace(config, pretrain=dataclasses.replace(run, scaling=scaling))


def _tuner(config: SweepConfig, steps: int, at_once: int) -> tune.Tuner:
    """Ray Tune's driver: a new one, or the one that died."""
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")  # MLflow remembers
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the other one is silent when asked to be
    folder = sweep_folder(config)
    kept = dataclasses.replace(config, pretrain=keepable(config.pretrain))
    run = tune.with_parameters(run_trial, config=kept)
    run = tune.with_resources(run, resources={"CPU": _DRIVER_CPUS})
    if _restorable(folder / "tune"):
        return tune.Tuner.restore(str(folder / "tune"), trainable=run, resume_errored=True)
    shutil.rmtree(folder / "tune", ignore_errors=True)
    asha = config.asha and RememberingAsha(
        folder=str(folder),
        sweep=config.name,
        objective=config.objective,
        steps=steps,
        grace_period=config.asha.grace_steps,
        reduction_factor=config.asha.reduction,
    )
    by_optuna = config.search == "optuna"
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces its study
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
            callbacks=[RecordTrials(str(folder), config.name, tuple(config.space), steps)],
            verbose=0,
        ),
    )


def _restorable(folder: Path) -> bool:
    """Whether Ray Tune's state is whole. Without it, Ray Tune would search an empty space."""
    states = sorted(folder.glob("experiment_state-*.json"))
    try:
        return bool(states and json.loads(states[-1].read_text(encoding="utf-8")))
    except ValueError:
        return False


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
