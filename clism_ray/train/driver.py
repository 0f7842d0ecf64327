"""The driver of a run: plans it, checks it, trains it, and tells MLflow."""

import dataclasses
import time
from pathlib import Path

import ray
from ray.train import UserCallback
from transformers.utils.logging import disable_progress_bar

from clism_ray import cluster, tracking
from clism_ray.config import PretrainConfig, identity, identity_hash, to_tree
from clism_ray.config_file import to_yaml
from clism_ray.corpus.manifest import Manifest, read_manifest, verify_hashes, windows
from clism_ray.corpus.rows import check_labels
from clism_ray.errors import WorkersLost
from clism_ray.hold import hold
from clism_ray.masking.microbatch import Recipe
from clism_ray.masking.tokenizer import check_question, load_tokenizer, save_tokenizer
from clism_ray.model.card import model_card
from clism_ray.model.encoder import check_start
from clism_ray.store import Store
from clism_ray.tracked_run import NewRun
from clism_ray.train import checkpoint, journal, preflight
from clism_ray.train.fit import fit, pretrain_on_worker
from clism_ray.train.follow import follow_run, following
from clism_ray.train.handover import bring
from clism_ray.train.job import TrainJob
from clism_ray.train.run import (
    RunRecord,
    make_folder,
    make_tokenizer,
    open_run,
    recipe_of,
    run_folder,
    steps_of,
    write_record,
)
from clism_ray.train.status import FAILED, FINISHED, RUNNING
from clism_ray.train.stop import stopping_on_sigterm
from clism_ray.train.storage import check_storage, other_nodes
from clism_ray.train.tracking_record import TRACKING, default_uri


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A run before it starts, or goes on."""

    config: PretrainConfig
    folder: Path
    manifest: Manifest
    recipe: Recipe
    record: RunRecord
    steps: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainResult:
    """Where a run stands and what it left."""

    status: str  # finished or stopped
    folder: Path
    recipe: Recipe
    manifest: Manifest
    tracking_uri: str
    mlflow_run: str | None


def pretrain(config: PretrainConfig) -> PretrainResult:
    """Run, or go on with, the pre-training run of this configuration.

    Raises:
        InputError: something the configuration names cannot be used.
        RunFailed: the run ended early; started again, it goes on from its last checkpoint.
    """
    with hold(run_folder(config), f"the run {config.name!r}"):
        plan = plan_run(config)
        uri = config.tracking.uri or default_uri(plan.folder.parent.parent)
        if plan.record.status != FINISHED:
            cluster.connect(minimum_cpus=2)  # one for workers, one for data
            check_plan(plan)
            print(cluster.summary(), flush=True)
            if told := preflight.awaited(config, ray.available_resources()):
                print(told, flush=True)
            lay_out(plan)
            with stopping_on_sigterm(plan.folder):
                plan = _train_tracked(plan, uri)
        elif not plan.record.delivered:  # MLflow was away when the run ended
            plan = _deliver(plan, _start_tracking(plan, uri))
    return PretrainResult(
        status=plan.record.status,
        folder=plan.folder,
        recipe=plan.recipe,
        manifest=plan.manifest,
        tracking_uri=uri,
        mlflow_run=plan.record.mlflow_run,
    )


def plan_run(config: PretrainConfig) -> Plan:
    """What a configuration comes to, with what is on disk. InputError if it cannot be."""
    disable_progress_bar()
    corpus = Path(config.corpus).expanduser().resolve()
    manifest = read_manifest(corpus)
    record = open_run(config, manifest)
    recipe = recipe_of(config, corpus)
    return Plan(
        config=config,
        folder=run_folder(config),
        manifest=manifest,
        recipe=recipe,
        record=record,
        steps=steps_of(config, manifest, recipe),
    )


def check_plan(plan: Plan) -> None:
    """Check all that can be checked before workers start, on the cluster that is joined."""
    limits = plan.config.tokenizer
    corpus = Path(plan.recipe.corpus)
    verify_hashes(corpus, plan.manifest)
    check_labels(corpus, windows(plan.manifest.train), plan.config.masking.labels or ())
    check_start(plan.config.model, limits.max_source_tokens + limits.max_target_tokens)
    preflight.check_resources(plan.config, cluster.nodes())
    check_storage(plan.folder.parent, other_nodes(), corpus)


def lay_out(plan: Plan, tokenizer: Path | None = None) -> None:
    """Make the folder and what stands in it; the tokenizer is copied if there is one already."""
    config = plan.config
    preflight.check_checkpoint(plan.folder, plan.record.identity_hash)
    make_folder(config, plan.record)
    if config.resume_from and not checkpoint.steps_saved(plan.folder):
        origin = Path(config.resume_from).expanduser()
        step = bring(origin, plan.folder, plan.record.identity_hash)
        print(f"goes on from step {step} of {origin}", flush=True)
    (plan.folder / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    wanted = Path(plan.recipe.tokenizer)
    if tokenizer and not wanted.is_dir():
        save_tokenizer(load_tokenizer(str(tokenizer)), wanted)
    make_tokenizer(config, Path(plan.recipe.corpus), plan.manifest, wanted)
    check_question(str(wanted))


def train_planned(plan: Plan, *callbacks: UserCallback, restarts: int | None = None) -> Plan:
    """Train to the end, or as far as it gets; the plan with how the run stands now.

    `restarts` as in `fit`.
    """
    config, record = plan.config, plan.record
    minutes = config.max_minutes
    job = TrainJob(
        config=tracking.keepable(config),  # the dashboard shows what workers are told
        recipe=plan.recipe,
        run=str(plan.folder),
        steps=plan.steps,
        identity_hash=record.identity_hash,
        deadline=None if minutes is None else time.time() + 60 * minutes,
        card=model_card(config, plan.manifest, record.identity_hash),
    )
    record = dataclasses.replace(record, status=RUNNING, steps=plan.steps)
    write_record(config, record)
    status = FAILED
    try:
        status = fit(pretrain_on_worker, job, *callbacks, restarts=restarts)
    except WorkersLost as lost:
        raise WorkersLost(
            f"{lost}\nstarted again, it goes on from the last checkpoint in {plan.folder}"
        ) from lost
    finally:
        record = dataclasses.replace(record, status=status)
        write_record(config, record)
    return dataclasses.replace(plan, record=record)


def _train_tracked(plan: Plan, uri: str) -> Plan:
    """Train, with MLflow and the terminal following."""
    tracker = _start_tracking(plan, uri)
    plan = dataclasses.replace(
        plan, record=dataclasses.replace(plan.record, mlflow_run=tracker.run_id)
    )
    path = plan.folder / journal.JOURNAL
    passes = follow_run(path, tracker, plan.config.tracking.log_every_steps, plan.steps)
    try:
        with following(passes, tracker.store):
            plan = train_planned(plan)
    except BaseException:
        tracker.close(FAILED, journal.read(path), [])
        raise
    return _deliver(plan, tracker)


def _deliver(plan: Plan, tracker: tracking.Tracker) -> Plan:
    """Give MLflow what it does not have yet, and remember whether it took everything."""
    finished = plan.record.status == FINISHED
    taken = tracker.close(
        plan.record.status,
        journal.read(plan.folder / journal.JOURNAL),
        _artefacts(plan) if finished else [],
    )
    record = dataclasses.replace(
        plan.record, mlflow_run=tracker.run_id, delivered=finished and taken
    )
    write_record(plan.config, record)
    return dataclasses.replace(plan, record=record)


def _start_tracking(plan: Plan, uri: str) -> tracking.Tracker:
    if plan.record.status == "new":  # a start that failed before it ran; its settings may be others
        (plan.folder / TRACKING).unlink(missing_ok=True)
    new = NewRun(
        name=plan.config.name,
        experiment=plan.config.tracking.experiment,
        artefacts=plan.folder.parent.parent / "mlflow",
        folder=plan.folder,
        parameters=to_tree(tracking.keepable(plan.config)),
        tags=lineage(plan.config, plan.manifest.content_hash),
    )
    return tracking.start(Store(uri), new, plan.record.mlflow_run)


def lineage(config: PretrainConfig, corpus_hash: str) -> dict[str, str]:
    """The tags that say where a run comes from."""
    return {
        "identity": identity_hash(identity(config, corpus_hash)),
        "corpus": corpus_hash,
        "git_commit": tracking.git_commit(),
        "seed": str(config.seed),
        "folder": str(run_folder(config)),
    }


def _artefacts(plan: Plan) -> list[tuple[Path, str | None]]:
    """What MLflow keeps of a finished run, and in which of its folders."""
    corpus, folder = Path(plan.recipe.corpus), plan.folder
    files = (corpus / "data_card.json", corpus / "data_card.html", folder / "config.yaml")
    best = folder / "best"
    model = best if best.is_dir() else folder / "last"
    return [*((path, None) for path in files if path.is_file()), (model, "model")]
