"""Validation beside training: a task of its own validates the model as it is exported.

<run>/validating-00000500/       the model of step 500, until it is validated
<run>/validating-00000500.begun  since a task has found a node for it
<run>/validating-00000500.json   what was found

The model is on disk before a checkpoint of its step is, so a run that goes on from that checkpoint
validates what it has left, or tells what was found. One model is validated at a time. A task that
dies with its node is begun again; one that fails by itself is not, and for one that finds no room
training does not wait for long.
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
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from clism_ray.config import ModelConfig
from clism_ray.errors import root_of
from clism_ray.masking.microbatch import open_recipe
from clism_ray.model.export import replaced
from clism_ray.train.capacity import worker_resources
from clism_ray.train.group import model_of
from clism_ray.train.job import TrainJob
from clism_ray.train.models import BEST, export, score_of_best
from clism_ray.train.run import write_json
from clism_ray.train.status import WARNING
from clism_ray.train.stop import asked_to_stop
from clism_ray.train.validate import all_sum, dev_batches, dev_pairs, validate
from clism_ray.train.worker import Validation, Worker, note

_NAME = re.compile(r"validating-(\d{8})")
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 120.0  # that training waits for a task without a node
_TRIES = 3  # of a task whose node or process dies


def begin_validation(worker: Worker) -> None:
    """Export the model, and have it validated; `collect` notes what is found. All ranks call it."""
    collect(worker, wait=True)
    name = f"validating-{worker.step:08d}"
    exported = export(worker, name, then=partial(_submit, worker.job, name), with_head=True)
    if worker.rank == 0 and exported:
        worker.validating = Validation(name, exported)


def collect(worker: Worker, *, wait: bool = False) -> None:
    """Note what the validation that is under way has found, if it has, or when it has.

    All ranks call it if it is to wait.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    _look(worker)
    while wait and all_sum(torch.tensor([float(bool(worker.validating))]), worker.device).item():
        if worker.validating and _has_begun(worker, worker.validating):
            until = time.monotonic() + _PATIENCE_SECONDS
        elif worker.validating:
            if worker.step < worker.job.steps and asked_to_stop(Path(worker.job.run)):
                _leave(worker, worker.validating)  # for the next start
            elif time.monotonic() > until:
                _give_up(worker, worker.validating, f"in {_PATIENCE_SECONDS:g} s no node had room")
        time.sleep(_POLL_SECONDS)
        _look(worker)


def take_up(worker: Worker) -> None:
    """Go on, in a run that goes on, with what was not validated, or not told."""
    if worker.rank == 0:
        run = Path(worker.job.run)
        for path in sorted(run.glob("validating-*"), reverse=True):  # the newest model first
            found = _NAME.fullmatch(path.stem)
            will_come_again = found and int(found[1]) > worker.step
            if path.suffix == ".json" and found and not will_come_again:
                _note(worker, json.loads(path.read_text(encoding="utf-8")))
            elif not found or will_come_again or path.suffix or worker.validating:
                _remove(path)
            else:
                task = worker.thread.submit(_submit, worker.job, path.name)
                worker.validating = Validation(path.name, task)


def validate_exported(job: TrainJob, name: str) -> dict[str, Any]:
    """The `step` of a model of a run and what was `found`; if it is the best so far, it is kept.

    Done again after it died, it goes on.
    """
    run, step = Path(job.run), int(name.rpartition("-")[2])
    folder, told = run / name, run / f"{name}.json"
    _begun(run, name).touch()
    if not told.is_file():
        with _alone():
            found = _validate(job, folder)
        if step and (score := score_of_best(job, found)):
            with replaced(run / BEST) as copy:
                shutil.copytree(folder, copy, dirs_exist_ok=True)
            write_json(run / f"{BEST}.json", dict(score))
        write_json(told, {"step": step, "found": found})
    for path in run.glob("validating-*"):
        if path != told and path.name < f"{name}~":  # those that came before, and this one
            _remove(path)
    result: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return result


def _validate(job: TrainJob, folder: Path) -> dict[str, float]:
    config = job.config
    pairs = dev_pairs(job.recipe, config.validation.pairs_per_language)
    if not pairs:
        return {}
    model = model_of(job, ModelConfig(start=str(folder)))
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
    _begun(Path(job.run), name).unlink(missing_ok=True)
    wanted = worker_resources(job.config.scaling)
    task = ray.remote(
        num_cpus=wanted.pop("CPU", 0),
        num_gpus=wanted.pop("GPU", 0),
        resources=wanted,
        label_selector=job.config.scaling.labels or None,
        max_calls=1,  # its process gives back its memory
        max_retries=0,  # `_look` tries again, and knows that it is to begin anew
        scheduling_strategy=PlacementGroupSchedulingStrategy(placement_group=None),
    )(validate_exported)
    return task.remote(job, name)


def _look(worker: Worker) -> None:
    """Note what was found, if it was; begin again what died with its node or its process."""
    validating = worker.validating
    if validating is None or not validating.task.done():
        return
    if unsent := validating.task.exception():
        _give_up(worker, validating, f"no task could be begun ({root_of(unsent)})")
        return
    task = validating.task.result()
    if not ray.wait([task], timeout=0)[0]:
        return
    try:
        told = ray.get(task)
    except RayTaskError as error:  # what it raised itself, and would raise again
        _give_up(worker, validating, f"the task failed ({root_of(error)})")
    except RayError as error:
        if validating.tries == _TRIES:
            _give_up(worker, validating, f"{_TRIES} tasks died ({root_of(error)})")
        else:
            validating.tries += 1
            validating.task = worker.thread.submit(_submit, worker.job, validating.name)
    else:
        worker.validating = None
        _note(worker, told)


def _has_begun(worker: Worker, validating: Validation) -> bool:
    return not validating.task.done() or _begun(Path(worker.job.run), validating.name).exists()


def _give_up(worker: Worker, validating: Validation, why: str) -> None:
    """Go on without what this validation would have found."""
    _leave(worker, validating)
    for path in Path(worker.job.run).glob(f"{validating.name}*"):
        _remove(path)
    step = int(validating.name.rpartition("-")[2])
    room = worker_resources(worker.job.config.scaling)
    each = " and ".join(f"{amount:g} {name}" for name, amount in room.items())
    problem = (
        f"the model of step {step} was not validated: {why} (a task beside the workers takes "
        f"{each}; validation.beside=false does without)"
    )
    note(worker, "event", {"status": WARNING, "problem": problem})


def _leave(worker: Worker, validating: Validation) -> None:
    if not validating.task.exception():
        ray.cancel(validating.task.result())
    worker.validating = None


def _begun(run: Path, name: str) -> Path:
    return run / f"{name}.begun"


def _note(worker: Worker, told: dict[str, Any]) -> None:
    if told["found"]:
        note(worker, "validation", told["found"], told["step"])


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
