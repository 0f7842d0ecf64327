"""A run up to its workers: planned, laid out on disk, trained. Here is what trials do as well.

No MLflow and no encoder here: a trial is a process of its own, and starts faster without them.
"""

import dataclasses
import time
from contextlib import suppress
from pathlib import Path

from ray.train import UserCallback

from clism_ray.config import PretrainConfig
from clism_ray.config_file import to_yaml
from clism_ray.corpus.manifest import Manifest, read_manifest
from clism_ray.corpus.storage import located
from clism_ray.errors import RunFailed, WorkersLost
from clism_ray.masking.microbatch import Recipe
from clism_ray.masking.tokenizer import check_question, copy_tokenizer
from clism_ray.model.card import model_card
from clism_ray.passwords import masked
from clism_ray.train import checkpoint, preflight
from clism_ray.train.copies import fetch_newest, place_of
from clism_ray.train.fit import fit, pretrain_on_worker
from clism_ray.train.handover import bring
from clism_ray.train.job import TrainJob
from clism_ray.train.run import (
    RunRecord,
    make_folder,
    make_tokenizer,
    open_run,
    recipe_of,
    run_folder,
    start_of,
    steps_of,
    write_record,
)
from clism_ray.train.status import FAILED, RUNNING
from clism_ray.train.tracking_record import keepable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A run before it starts, or goes on."""

    config: PretrainConfig
    folder: Path
    manifest: Manifest
    recipe: Recipe
    record: RunRecord
    steps: int


def plan_run(config: PretrainConfig) -> Plan:
    """What a configuration comes to, with what is on disk. InputError if it cannot be."""
    corpus = located(config.corpus)
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


def lay_out(plan: Plan, tokenizer: Path | None = None) -> Plan:
    """Make the folder and what stands in it; a shared tokenizer is copied, unless it is there.

    The plan with what is known of the run now, if it came from elsewhere.
    """
    config = plan.config
    preflight.check_checkpoint(plan.folder, plan.record.identity_hash)
    make_folder(config, plan.record)
    if config.resume_from and not checkpoint.steps_saved(plan.folder):
        origin = Path(config.resume_from).expanduser()
        step = bring(origin, plan.folder, plan.record.identity_hash, config.tracking.uri)
        print(f"goes on from step {step} of {origin}", flush=True)
        plan = dataclasses.replace(plan, record=open_run(config, plan.manifest))
    if config.checkpoint.copy_to:
        place = place_of(config.checkpoint.copy_to, config.name)
        if fetched := fetch_newest(place, plan.folder, plan.record.identity_hash):
            print(f"goes on from step {fetched} of {masked(place)}", flush=True)
            plan = dataclasses.replace(plan, record=open_run(config, plan.manifest))
    if plan.record.status == "new":
        start = start_of(config)
        plan = dataclasses.replace(plan, record=dataclasses.replace(plan.record, start=start))
    (plan.folder / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    wanted = Path(plan.recipe.tokenizer)
    if tokenizer:
        copy_tokenizer(tokenizer, wanted)
    else:
        make_tokenizer(config, plan.recipe.corpus, plan.manifest, wanted)
        check_question(str(wanted))
    return plan


def train_planned(plan: Plan, *callbacks: UserCallback, restarts: int | None = None) -> Plan:
    """Train to the end, or as far as it gets; the plan with how the run stands now.

    `restarts` as in `fit`.
    """
    config, record = plan.config, plan.record
    minutes = config.max_minutes
    job = TrainJob(
        config=keepable(config),  # the dashboard shows what workers are told
        recipe=plan.recipe,
        run=str(plan.folder),
        steps=plan.steps,
        identity_hash=record.identity_hash,
        deadline=None if minutes is None else time.time() + 60 * minutes,
        card=model_card(config, plan.manifest, record.identity_hash),
    )
    record = dataclasses.replace(record, status=RUNNING, steps=plan.steps)
    write_record(config, record)
    try:
        status = fit(pretrain_on_worker, job, *callbacks, restarts=restarts)
    except BaseException as error:
        with suppress(RunFailed):  # where the disk is full: what ended the run is told
            write_record(config, dataclasses.replace(record, status=FAILED))
        if isinstance(error, WorkersLost):
            raise WorkersLost(
                f"{error}\nstarted again, it goes on from the last checkpoint in {plan.folder}"
            ) from error
        raise
    record = dataclasses.replace(record, status=status)
    write_record(config, record)
    return dataclasses.replace(plan, record=record)
