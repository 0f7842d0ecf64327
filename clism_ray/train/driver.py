"""The driver of a run: checks it, trains it, and tells MLflow."""

import dataclasses
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from clism_ray import cluster, tracking
from clism_ray.config import PretrainConfig, identity, identity_hash, to_tree
from clism_ray.corpus.card import CARD, CARD_HTML
from clism_ray.corpus.manifest import Manifest, verify_hashes, windows
from clism_ray.corpus.rows import check_labels
from clism_ray.corpus.storage import below, info, read_bytes
from clism_ray.hold import hold
from clism_ray.masking.microbatch import Recipe
from clism_ray.model.encoder import check_start
from clism_ray.model.export import check_pretrained_head
from clism_ray.store import Store
from clism_ray.tracked_run import NewRun
from clism_ray.train import journal, preflight
from clism_ray.train.follow import follow_run, following
from clism_ray.train.launch import Plan, lay_out, plan_run, train_planned
from clism_ray.train.run import (
    run_folder,
    write_record,
)
from clism_ray.train.status import FAILED, FINISHED
from clism_ray.train.stop import stopping_on_sigterm
from clism_ray.train.storage import check_storage, other_nodes
from clism_ray.train.tracking_record import TRACKING, default_uri, keepable


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
            if told := preflight.awaited(config, cluster.free()):
                print(told, flush=True)
            plan = lay_out(plan)
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


def check_plan(plan: Plan) -> None:
    """Check all that can be checked before workers start, on the cluster that is joined."""
    disable_progress_bar()
    limits = plan.config.tokenizer
    corpus = plan.recipe.corpus
    verify_hashes(corpus, plan.manifest)
    check_labels(corpus, windows(plan.manifest.train), plan.config.masking.labels or ())
    check_start(plan.config.model, limits.max_source_tokens + limits.max_target_tokens)
    check_pretrained_head(plan.config.model)
    preflight.check_resources(plan.config, cluster.nodes())
    preflight.check_validator(plan.config, cluster.nodes())
    check_storage(plan.folder.parent, other_nodes(), corpus)


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
        parameters=to_tree(keepable(plan.config)),
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
    best = plan.folder / "best"
    model = best if best.is_dir() else plan.folder / "last"
    files = [*_data_card(plan), plan.folder / "config.yaml"]
    return [*((path, None) for path in files), (model, "model")]


def _data_card(plan: Plan) -> list[Path]:
    """The corpus's, fetched into the run's folder where it lies in a store."""
    found = []
    for name in (CARD, CARD_HTML):
        path = below(plan.recipe.corpus, name)
        if not info(path).is_file:
            continue
        if "://" in path:
            found.append(plan.folder / name)
            found[-1].write_bytes(read_bytes(path))
        else:
            found.append(Path(path))
    return found
