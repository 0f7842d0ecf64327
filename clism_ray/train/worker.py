"""A worker: its model, engine and validation set; its checkpoints, exports and reports."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import ray.train
import ray.train.torch
import torch
import torch.distributed as dist

from clism_ray.masking.microbatch import open_recipe
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import Batch
from clism_ray.train import checkpoint, journal
from clism_ray.train.checkpoint import RunState
from clism_ray.train.engine import (
    Engine,
    full_weights,
    load_shards,
    save_shards,
    start_engine,
    state_bytes,
)
from clism_ray.train.job import TrainJob
from clism_ray.train.validate import all_sum, dev_batches, dev_pairs


@dataclasses.dataclass(kw_only=True)
class Worker:
    """One worker's half-dozen things."""

    job: TrainJob
    engine: Engine
    device: torch.device
    rank: int
    workers: int
    languages: tuple[str, ...]
    dev: list[Batch]
    entries: list[journal.Entry]  # not yet reported


def set_up(job: TrainJob) -> Worker:
    """Build the model, the engine and the validation set."""
    context = ray.train.get_context()
    rank, workers = context.get_world_rank(), context.get_world_size()
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
    return Worker(
        job=job,
        engine=start_engine(model, config, workers),
        device=device,
        rank=rank,
        workers=workers,
        languages=languages,
        dev=dev_batches(job.recipe, pairs, rank, workers),
        entries=[],
    )


def resume(worker: Worker) -> int:
    """Load the newest complete and undamaged checkpoint; returns the steps done."""
    run = Path(worker.job.run)
    for step in checkpoint.steps_saved(run):
        folder = checkpoint.folder_of(run, step)
        state = checkpoint.complete(folder)
        if state is None:
            continue
        sound = checkpoint.intact(folder, worker.rank)
        if all_sum(torch.tensor([float(not sound)]), worker.device).item():
            continue
        load_shards(worker.engine, folder)
        return state.step
    return 0


def save(worker: Worker, step: int) -> bool:
    """Write a checkpoint; False, and the run ends with one sentence, if it cannot be whole."""
    run, config = Path(worker.job.run), worker.job.config
    folder = checkpoint.folder_of(run, step)
    needed = state_bytes(worker.engine.module, worker.workers)
    free = shutil.disk_usage(run).free
    if all_sum(torch.tensor([float(free < needed)]), worker.device).item():
        problem = (
            f"no room for the checkpoint of step {step} in {run}: it takes about "
            f"{needed / 2**20:.0f} MiB, {free / 2**20:.0f} MiB are free; make room and start again"
        )
        report(worker, {"status": "failed", "step": step, "problem": problem})
        return False
    state = RunState(step, worker.workers, config.zero.stage, worker.job.identity_hash)
    folder.mkdir(parents=True, exist_ok=True)
    save_shards(worker.engine, folder, dataclasses.asdict(state))
    checkpoint.write_list(folder, worker.rank, state)
    dist.barrier()
    lacking = worker.rank == 0 and checkpoint.complete(folder) is None
    if all_sum(torch.tensor([float(lacking)]), worker.device).item():
        problem = (
            f"the first worker does not find every worker's files in {folder}; "
            "storage must be a folder that all nodes share"
        )
        report(worker, {"status": "failed", "step": step, "problem": problem})
        return False
    if worker.rank == 0:
        checkpoint.keep_newest(run, config.checkpoint.keep, after=step)
    return True


def export(worker: Worker, name: str) -> None:
    """Write the model as a Hugging Face folder `<run>/<name>`."""
    weights = full_weights(worker.engine)
    if worker.rank == 0:
        model: PretrainModel = worker.engine.module
        tokenizer = open_recipe(worker.job.recipe).words.tokenizer
        export_model(
            Path(worker.job.run) / name, model.masked_lm, weights, tokenizer, worker.job.card
        )
    dist.barrier()


def report(worker: Worker, event: dict[str, Any] | None = None) -> None:
    """Hand the entries since the last report to the driver. A barrier: all ranks call it."""
    if event:
        worker.entries.append(journal.entry("event", event["step"], event))
    entries = [item._asdict() for item in worker.entries] if worker.rank == 0 else []
    worker.entries.clear()
    ray.train.report({"entries": entries})
