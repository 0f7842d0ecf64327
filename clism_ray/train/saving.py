"""A worker's checkpoints: begun at a step, written beside the steps after it, found again.

At its step each worker copies its share of the parameters to the memory of the CPU; its thread
writes the copy, its hashes and the list, and training goes on (see `beside`). Until all lists are
there the checkpoint before is the newest complete one, whatever dies.
"""

import math
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from clism_ray.errors import InputError, UnusableInput
from clism_ray.train import checkpoint, copies, journal
from clism_ray.train.beside import begin, make_room, settle
from clism_ray.train.checkpoint import RunState
from clism_ray.train.copies import place_of
from clism_ray.train.cost import STATE_BYTES
from clism_ray.train.engine import parameter_count
from clism_ray.train.job import TrainJob
from clism_ray.train.parameters import file_contents, load_parameters, write_files
from clism_ray.train.status import CHECKPOINT_DAMAGED, WARNING
from clism_ray.train.validate import all_sum
from clism_ray.train.worker import Worker, agree, first_problem, note

CHECKPOINT = "checkpoint"  # a kind of writing


def resume(worker: Worker) -> None:
    """Load the newest complete and undamaged checkpoint, if there is one.

    Where there are some and none holds, they are kept aside, and the run begins anew. All ranks
    raise UnusableInput if one of them cannot read its part.
    """
    run = Path(worker.job.run)
    below = math.inf
    while (step := _newest_checkpoint(worker, run, below)) > 0:
        folder = checkpoint.folder_of(run, step)
        with _told_to_all():
            sound = checkpoint.intact(folder, worker.rank, worker.workers)
            files = checkpoint.state_files(folder)
        if not all_sum(torch.tensor([float(not sound)]), worker.device).item():
            load_parameters(worker.engine, files, step)
            worker.step = step
            with _told_to_all():
                # The last report before a crash may not have reached the journal.
                worker.unreported += checkpoint.metrics_in(folder)
            return
        problem = "its files are not as they were written; an older one, or none, is taken"
        note(worker, "event", {"status": CHECKPOINT_DAMAGED, "problem": problem}, step)
        below = step
    if worker.rank == 0 and (aside := checkpoint.set_aside(run)):
        problem = f"no checkpoint holds; they are kept in {aside}, and the run begins anew"
        note(worker, "event", {"status": WARNING, "problem": problem})


@contextmanager
def _told_to_all() -> Iterator[None]:
    """Raise on every rank what one of them meets in checkpoints that it cannot read."""
    problem = None
    try:
        yield
    except InputError as error:
        problem = UnusableInput(str(error))
    agree(problem)


def _newest_checkpoint(worker: Worker, run: Path, below: float) -> int:
    """The step of rank 0's choice, the same on all ranks; 0 if there is none."""
    with _told_to_all():
        steps = [s for s in checkpoint.steps_saved(run) if s < below] if worker.rank == 0 else []
        whole = (step for step in steps if checkpoint.complete(checkpoint.folder_of(run, step)))
        newest = next(whole, 0)
    return int(all_sum(torch.tensor([float(newest)]), worker.device).item())


def save(worker: Worker) -> None:
    """Begin a checkpoint, after the one before is complete; `settle` ends it.

    All ranks call it, and raise RunFailed if there is no room.
    """
    settle(worker, CHECKPOINT)
    run, step = Path(worker.job.run), worker.step
    folder = checkpoint.folder_of(run, step)
    size = parameter_count(worker.engine.module) * STATE_BYTES + worker.workers * 2**20
    make_room(worker, size, f"the checkpoint of step {step}")
    if worker.rank == 0:  # what an earlier start left unfinished, perhaps of other workers
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    dist.barrier()
    state = RunState(step, worker.workers, worker.job.identity_hash)
    entries = list(worker.unsaved)
    worker.unsaved.clear()
    contents: Iterable[dict[str, Tensor]] = file_contents(worker.engine)
    if worker.job.config.checkpoint.beside:
        contents = list(contents)
    begin(
        worker,
        CHECKPOINT,
        f"the checkpoint of step {step} in {folder}",
        size,
        partial(_write, worker.job, folder, worker.rank, state, contents, entries),
        partial(_conclude, worker, step),
    )


def _write(
    job: TrainJob,
    folder: Path,
    rank: int,
    state: RunState,
    contents: Iterable[dict[str, Tensor]],
    entries: list[journal.Entry],
) -> str | None:
    """Write this rank's part of a checkpoint, its list last, and copy it; why it was not copied."""
    write_files(contents, folder, rank)
    if rank == 0:
        checkpoint.write_metrics(folder, entries)
    checkpoint.write_list(folder, rank, state)
    config = job.config.checkpoint
    if config.copy_to is None:
        return None
    return copies.copy(folder, rank, place_of(config.copy_to, job.config.name), config.keep)


def _conclude(worker: Worker, step: int, uncopied: str | None) -> None:
    """Look whether all files are there, and delete what is older than is kept.

    What was not copied is told, and stops nothing. All ranks raise RunFailed if storage is not
    shared.
    """
    run = Path(worker.job.run)
    folder = checkpoint.folder_of(run, step)
    with _told_to_all():
        lacking = worker.rank == 0 and checkpoint.complete(folder) is None
    agree(
        f"the first worker does not find every worker's files in {folder}; "
        "storage must be a folder that all nodes share"
        if lacking
        else None
    )
    if problem := first_problem(uncopied):
        note(worker, "event", {"status": WARNING, "problem": problem})
    if worker.rank == 0:
        checkpoint.keep_newest(run, worker.job.config.checkpoint.keep, after=step)
