"""Validation beside training: a task of its own validates the model as it is exported.

<run>/validating-00000500/       the model of step 500, until it is validated
<run>/validating-00000500.json   what was found

The model is on disk before a checkpoint of its step is, so a run that goes on from that checkpoint
validates what it has left, or tells what was found. One model is validated at a time.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import ray
import torch
import torch.distributed as dist
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from clism_ray.config import ModelConfig
from clism_ray.masking.microbatch import open_recipe
from clism_ray.model.export import SPAN_HEAD, load_span_head, replaced
from clism_ray.train.group import model_of
from clism_ray.train.job import TrainJob
from clism_ray.train.models import BEST, export, score_of_best
from clism_ray.train.preflight import worker_resources
from clism_ray.train.run import write_json
from clism_ray.train.validate import all_sum, dev_batches, dev_pairs, validate
from clism_ray.train.worker import Worker, note

_NAME = re.compile(r"validating-(\d{8})")
_POLL_SECONDS = 0.1


def begin_validation(worker: Worker) -> None:
    """Export the model, and have it validated; `collect` notes what is found. All ranks call it."""
    collect(worker, wait=True)
    name = f"validating-{worker.step:08d}"
    exported = export(worker, name, then=partial(_submit, worker.job, name))
    if worker.rank == 0:
        worker.validating = exported


def collect(worker: Worker, *, wait: bool = False) -> None:
    """Note what the validation that is under way has found, if it has, or when it has.

    All ranks call it if it is to wait.
    """
    while wait and all_sum(torch.tensor([float(_is_busy(worker))]), worker.device).item():
        time.sleep(_POLL_SECONDS)
    if worker.validating and not _is_busy(worker):
        told = ray.get(worker.validating.result())
        worker.validating = None
        _note(worker, told)


def take_up(worker: Worker) -> None:
    """Go on, in a run that goes on, with what was not validated, or not told."""
    if worker.rank == 0:
        run = Path(worker.job.run)
        for path in sorted(run.glob("validating-*")):
            found = _NAME.fullmatch(path.stem)
            if not found or int(found[1]) > worker.step:  # it will come to it again
                _remove(path)
            elif path.suffix == ".json":
                _note(worker, json.loads(path.read_text(encoding="utf-8")))
            else:
                worker.validating = worker.thread.submit(_submit, worker.job, path.name)


def validate_exported(job: TrainJob, name: str) -> dict[str, Any]:
    """The `step` of a model of a run and what was `found`; if it is the best so far, it is kept.

    Done again after it died, it goes on.
    """
    run, step = Path(job.run), int(name.rpartition("-")[2])
    folder, told = run / name, run / f"{name}.json"
    if not told.is_file():
        with _alone():
            found = _validate(job, folder)
        if step and (score := score_of_best(run, found)):
            with replaced(run / BEST) as copy:
                shutil.copytree(folder, copy, dirs_exist_ok=True)
            write_json(run / f"{BEST}.json", dict(score))
        write_json(told, {"step": step, "found": found})
    for path in run.glob("validating-*"):
        if path != told:
            _remove(path)
    result: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return result


def _validate(job: TrainJob, folder: Path) -> dict[str, float]:
    config = job.config
    pairs = dev_pairs(job.recipe, config.validation.pairs_per_language)
    if not pairs:
        return {}
    model = model_of(job, ModelConfig(start=str(folder)))
    if (head := folder / SPAN_HEAD).is_file():
        model.span_head = load_span_head(head, model.masked_lm.config.hidden_size)
    device = torch.device(config.scaling.device)
    batches = dev_batches(job.recipe, pairs, 0, 1, probes=config.validation.probes)
    languages = open_recipe(job.recipe).manifest.language_pairs
    return validate(model.to(device), batches, config.losses, languages, device)


@contextmanager
def _alone() -> Iterator[None]:
    """A group of this process, for what sums over all workers."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"file://{folder}/store"
        dist.init_process_group("gloo", init_method=place, rank=0, world_size=1)
        try:
            yield
        finally:
            dist.destroy_process_group()


def _submit(job: TrainJob, name: str) -> Any:
    """Start the task, with what a worker has, outside of what is reserved for the workers."""
    wanted = worker_resources(job.config.scaling)
    task = ray.remote(
        num_cpus=wanted.pop("CPU", 0),
        num_gpus=wanted.pop("GPU", 0),
        resources=wanted,
        label_selector=job.config.scaling.labels or None,
        max_calls=1,  # its process gives back its memory
        scheduling_strategy=PlacementGroupSchedulingStrategy(placement_group=None),
    )(validate_exported)
    return task.remote(job, name)


def _is_busy(worker: Worker) -> bool:
    if worker.validating is None:
        return False
    if not worker.validating.done():
        return True
    ready, _ = ray.wait([worker.validating.result()], timeout=0)
    return not ready


def _note(worker: Worker, told: dict[str, Any]) -> None:
    if told["found"]:
        note(worker, "validation", told["found"], told["step"])


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
