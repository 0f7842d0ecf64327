"""A worker among those that Ray Train has started: how it is set up, and what it reports."""

import time
from pathlib import Path

import ray
import ray.train
import ray.train.torch
import torch

from clism_ray.config import ModelConfig
from clism_ray.errors import InputError
from clism_ray.masking.microbatch import open_recipe
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import Batch
from clism_ray.train import journal
from clism_ray.train.engine import start_engine
from clism_ray.train.job import TrainJob
from clism_ray.train.run import RESERVATION
from clism_ray.train.status import NODE_LEAVES
from clism_ray.train.validate import dev_batches, dev_pairs
from clism_ray.train.worker import Worker, agree, note


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
    model = model_of(job, config.model).to(device)
    if config.scaling.activation_checkpointing:
        model.masked_lm.activation_checkpointing_enable({"use_reentrant": False})
    pairs = dev_pairs(job.recipe, config.validation.pairs_per_language)
    dev = dev_batches(job.recipe, pairs, rank, workers, probes=config.validation.probes)
    return device, model, open_recipe(job.recipe).manifest.language_pairs, dev


def model_of(job: TrainJob, origin: ModelConfig) -> PretrainModel:
    """The model that a job trains, with the weights that `origin` names."""
    config, kitchen = job.config, open_recipe(job.recipe)
    return build_model(
        origin,
        config.tokenizer,
        kitchen.words.tokenizer,
        temperature=config.losses.cacr.temperature,
        language_pairs=len(kitchen.manifest.language_pairs),
        precision=config.precision,
        seed=config.seed,
    )


def node_leaves(worker: Worker) -> bool:
    """Whether a node of this run is about to be taken away, told for the first time.

    A barrier: all ranks call it.
    """
    if worker.leaving or ray.train.get_preemption_info() is None:
        return False
    worker.leaving = True
    note(worker, "event", {"status": NODE_LEAVES})
    return True


def report(worker: Worker) -> None:
    """Hand the entries since the last report to the driver. A barrier: all ranks call it."""
    report_entries(worker.unreported)
    worker.unreported.clear()
    worker.reported = time.monotonic()


def report_entries(entries: list[journal.Entry]) -> None:
    """Hand entries to the driver; those of the first worker count. All ranks call it."""
    ray.train.report({"entries": [entry._asdict() for entry in entries]})
