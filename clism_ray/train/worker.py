"""A worker: its model, engine and validation set, and what it agrees on with the others."""

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.distributed as dist

from clism_ray.errors import InputError, RunFailed
from clism_ray.records import Batch
from clism_ray.train import journal
from clism_ray.train.engine import Engine
from clism_ray.train.job import TrainJob


class Writing(NamedTuple):
    """Files on their way to the disk, see `beside`."""

    kind: str
    what: str  # it is and where, for people
    size: int  # bytes, about, of all workers
    written: Future[Any]  # this worker's part
    conclude: Callable[[Any], None]  # on every rank, when all parts are written
    needed: bool  # or the run goes on without what cannot be written


@dataclasses.dataclass
class Validation:
    """A task that validates an exported model, see `validator`."""

    name: str  # of the model's folder in the run
    task: Future[Any]  # gives its ObjectRef, once the model is written
    tries: int = 1


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
    resizing: bool = False  # others go on in place of these workers, once they have saved
    reported: float = dataclasses.field(default_factory=time.monotonic)  # when last, in seconds
    report_due: bool = False  # as the first worker's clock says, at the step before
    unreported: list[journal.Entry] = dataclasses.field(default_factory=list)
    unsaved: list[journal.Entry] = dataclasses.field(default_factory=list)
    writing: list[Writing] = dataclasses.field(default_factory=list)
    validating: Validation | None = None  # of the first worker
    thread: ThreadPoolExecutor = dataclasses.field(  # writes beside training, in order
        default_factory=lambda: ThreadPoolExecutor(1, "writer")
    )


Problem: TypeAlias = str | InputError | RunFailed


def agree(problem: Problem | None) -> None:
    """Raise on every rank if any of them has a problem: a text as RunFailed. All ranks call it."""
    found = first_problem(problem)
    if isinstance(found, str):
        raise RunFailed(found)
    if found is not None:
        raise found


def first_problem(problem: Problem | None) -> Problem | None:
    """The problem of the first rank that has one, on every rank. All ranks call it."""
    told: list[Problem | None] = [None] * dist.get_world_size()
    dist.all_gather_object(told, problem)
    return next((one for one in told if one is not None), None)


def note(worker: Worker, kind: str, values: dict[str, Any], step: int | None = None) -> None:
    """Keep an entry for the next report and for the next checkpoint."""
    entry = journal.entry(kind, worker.step if step is None else step, values)
    worker.unreported.append(entry)
    if kind != "event":
        worker.unsaved.append(entry)
