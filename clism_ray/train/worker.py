"""A worker: its model, engine and validation set; its checkpoints, exports and reports."""

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import ray
import ray.train
import ray.train.torch
import torch
import torch.distributed as dist

from clism_ray.errors import InputError, RunFailed
from clism_ray.masking.microbatch import open_recipe
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import Batch
from clism_ray.train import checkpoint, journal
from clism_ray.train.checkpoint import RunState
from clism_ray.train.cost import STATE_BYTES
from clism_ray.train.engine import (
    Engine,
    full_weights,
    parameter_count,
    start_engine,
)
from clism_ray.train.job import TrainJob
from clism_ray.train.parameters import load_parameters, save_parameters
from clism_ray.train.run import RESERVATION
from clism_ray.train.validate import all_sum, dev_batches, dev_pairs

_BYTES_EXPORTED = 4


@dataclasses.dataclass(kw_only=True)
class Worker:
    """What one worker holds."""

    job: TrainJob
    engine: Engine
    device: torch.device
    rank: int
    workers: int
    languages: tuple[str, ...]
    dev: list[Batch]
    step: int = 0  # optimizer steps done
    leaving: bool = False  # one of its nodes
    unreported: list[journal.Entry] = dataclasses.field(default_factory=list)
    unsaved: list[journal.Entry] = dataclasses.field(default_factory=list)


def set_up(job: TrainJob) -> Worker:
    """Build the model, the engine and the validation set. All ranks raise, as `agree`, or none."""
    context = ray.train.get_context()
    rank, workers = context.get_world_rank(), context.get_world_size()
    problem = None
    try:
        device, model, languages, dev = _build(job, rank, workers)
    except InputError as error:
        problem = error
    agree(problem)
    if rank == 0:
        _note_reservation(Path(job.run))
    return Worker(
        job=job,
        engine=start_engine(model, job.config, workers),
        device=device,
        rank=rank,
        workers=workers,
        languages=languages,
        dev=dev,
    )


def _note_reservation(run: Path) -> None:
    """Leave the id of what the cluster reserved for this run beside its files.

    Ray Train frees it at the end of a run, and after a run that is cut short if its state API
    answers. `trials` frees it in any case.
    """
    if group := ray.util.get_current_placement_group():
        (run / RESERVATION).write_text(group.id.hex(), encoding="utf-8")


def _build(
    job: TrainJob, rank: int, workers: int
) -> tuple[torch.device, PretrainModel, tuple[str, ...], list[Batch]]:
    config = job.config
    device = (
        ray.train.torch.get_device() if config.scaling.device == "cuda" else torch.device("cpu")
    )
    kitchen = open_recipe(job.recipe)
    languages = kitchen.manifest.language_pairs
    model = build_model(
        config.model,
        config.tokenizer,
        kitchen.words.tokenizer,
        temperature=config.losses.cacr.temperature,
        language_pairs=len(languages),
        precision=config.precision,
        seed=config.seed,
    ).to(device)
    if config.scaling.activation_checkpointing:
        model.masked_lm.activation_checkpointing_enable({"use_reentrant": False})
    pairs = dev_pairs(job.recipe, config.validation.pairs_per_language)
    dev = dev_batches(job.recipe, pairs, rank, workers, probes=config.validation.probes)
    return device, model, languages, dev


def agree(problem: str | InputError | RunFailed | None) -> None:
    """Raise on every rank if any of them has a problem: a text as RunFailed. All ranks call it."""
    told: list[str | InputError | RunFailed | None] = [None] * dist.get_world_size()
    dist.all_gather_object(told, problem)
    for one in told:
        if isinstance(one, str):
            raise RunFailed(one)
        if one is not None:
            raise one


def resume(worker: Worker) -> None:
    """Load the newest complete and undamaged checkpoint, if there is one."""
    run = Path(worker.job.run)
    below = math.inf
    while (step := _newest_checkpoint(worker, run, below)) > 0:
        folder = checkpoint.folder_of(run, step)
        sound = checkpoint.intact(folder, worker.rank, worker.workers)
        if not all_sum(torch.tensor([float(not sound)]), worker.device).item():
            load_parameters(worker.engine, folder, step)
            worker.step = step
            # The last report before a crash may not have reached the journal.
            worker.unreported += checkpoint.metrics_in(folder)
            return
        problem = "its files are not as they were written; an older one, or none, is taken"
        note(worker, "event", {"status": "checkpoint damaged", "problem": problem}, step)
        below = step


def _newest_checkpoint(worker: Worker, run: Path, below: float) -> int:
    """The step of rank 0's choice, the same on all ranks; 0 if there is none."""
    steps = checkpoint.steps_saved(run) if worker.rank == 0 else []
    known = (s for s in steps if s < below and checkpoint.complete(checkpoint.folder_of(run, s)))
    return int(all_sum(torch.tensor([float(next(known, 0))]), worker.device).item())


def save(worker: Worker) -> None:
    """Write a checkpoint. All ranks raise RunFailed if it cannot be whole."""
    run, config, step = Path(worker.job.run), worker.job.config, worker.step
    folder = checkpoint.folder_of(run, step)
    needed = parameter_count(worker.engine.module) * STATE_BYTES + worker.workers * 2**20
    agree(_lack_of_room(run, needed, f"the checkpoint of step {step}"))
    if worker.rank == 0:  # what an earlier start left unfinished, perhaps of other workers
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    dist.barrier()
    save_parameters(worker.engine, folder)
    state = RunState(step, worker.workers, worker.job.identity_hash)
    if worker.rank == 0:
        checkpoint.write_metrics(folder, worker.unsaved)
    checkpoint.write_list(folder, worker.rank, state)
    dist.barrier()
    lacking = worker.rank == 0 and checkpoint.complete(folder) is None
    agree(
        f"the first worker does not find every worker's files in {folder}; "
        "storage must be a folder that all nodes share"
        if lacking
        else None
    )
    worker.unsaved.clear()
    if worker.rank == 0:
        checkpoint.keep_newest(run, config.checkpoint.keep, after=step)


def export(worker: Worker, name: str) -> None:
    """Write the model as a Hugging Face folder `<run>/<name>`."""
    run = Path(worker.job.run)
    needed = parameter_count(worker.engine.module) * _BYTES_EXPORTED
    agree(_lack_of_room(run, needed, f"the exported model of step {worker.step}"))
    weights = full_weights(worker.engine)
    if worker.rank == 0:
        model: PretrainModel = worker.engine.module
        tokenizer = open_recipe(worker.job.recipe).words.tokenizer
        if not worker.job.config.masking.questions:  # a head as it was drawn would look trained
            weights = {name: w for name, w in weights.items() if not name.startswith("span_head.")}
        export_model(run / name, model.masked_lm, weights, tokenizer, worker.job.card)
    dist.barrier()


def _lack_of_room(run: Path, needed: int, what: str) -> str | None:
    free = shutil.disk_usage(run).free
    if free >= needed:
        return None
    return (
        f"no room for {what} in {run}: it takes about {needed / 2**20:.0f} MiB, "
        f"{free / 2**20:.0f} MiB are free; make room and start again"
    )


def export_best(worker: Worker, accuracy: float, questions: float) -> None:
    """Export the model as `best` unless an earlier one answered the same questions better."""
    best, score = (Path(worker.job.run) / name for name in ("best", "best.json"))
    better = True
    if best.is_dir() and score.is_file():
        known = json.loads(score.read_text(encoding="utf-8"))
        better = known["questions"] != questions or accuracy > known["accuracy"]
    if all_sum(torch.tensor([float(better)]), worker.device).item() < worker.workers:
        return
    export(worker, "best")
    if worker.rank == 0:
        temporary = score.with_suffix(".tmp")
        temporary.write_text(json.dumps({"accuracy": accuracy, "questions": questions}), "utf-8")
        temporary.rename(score)


def note(worker: Worker, kind: str, values: dict[str, Any], step: int | None = None) -> None:
    """Keep an entry for the next report and for the next checkpoint."""
    entry = journal.entry(kind, worker.step if step is None else step, values)
    worker.unreported.append(entry)
    if kind != "event":
        worker.unsaved.append(entry)


def node_leaves(worker: Worker) -> bool:
    """Whether a node of this run is about to be taken away, told for the first time.

    A barrier: all ranks call it.
    """
    if worker.leaving or ray.train.get_preemption_info() is None:
        return False
    worker.leaving = True
    note(worker, "event", {"status": "node leaves"})
    return True


def report(worker: Worker) -> None:
    """Hand the entries since the last report to the driver. A barrier: all ranks call it."""
    report_entries(worker.unreported)
    worker.unreported.clear()


def report_entries(entries: list[journal.Entry]) -> None:
    """Hand entries to the driver; those of the first worker count. All ranks call it."""
    ray.train.report({"entries": [entry._asdict() for entry in entries]})
