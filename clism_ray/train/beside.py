"""Writing beside training: a thread of each worker writes copies, and training goes on.

Of each kind of files one set is written at a time. `settle` sees it to its end on all workers; what
went wrong is raised there, or is a warning where a run can do without what was to be written.
"""

import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch

from clism_ray.train.room import START_AGAIN, lack_of_room
from clism_ray.train.status import WARNING
from clism_ray.train.validate import all_sum
from clism_ray.train.worker import Worker, Writing, agree, first_problem, note

GO_ON = "the run goes on without it"


def nothing(*_: object) -> None:
    """What a worker does that has no part in it."""


def begin(
    worker: Worker,
    kind: str,
    what: str,
    size: int,
    write: Callable[[], Any],
    conclude: Callable[[Any], None] = nothing,
    *,
    needed: bool = True,
) -> Future[Any]:
    """Begin to write, or write, as `checkpoint.beside` says; what `write` gives. All ranks call it.

    Args:
        worker: this one.
        kind: of which nothing is being written, see `settle`.
        what: it is and where, for people.
        size: bytes, about, of all workers.
        write: this worker's part; touches nothing that training changes.
        conclude: called on every rank with what `write` gave when all parts are written; may call
            collectives.
        needed: whether the run ends if it cannot be written.
    """
    written: Future[Any] = Future()
    if worker.job.config.checkpoint.beside:
        written = worker.thread.submit(write)
    else:
        try:
            written.set_result(write())
        except Exception as error:
            if needed:  # raised here: others may be waiting for this one within `write`
                raise
            written.set_exception(error)
    worker.writing.append(Writing(kind, what, size, written, conclude, needed))
    if not worker.job.config.checkpoint.beside:
        settle(worker, kind)
    return written


def settle(worker: Worker, kind: str | None = None, *, wait: bool = True) -> None:
    """See what is being written to its end; without `wait`, as far as all have written it.

    All ranks call it, and raise OSError if one could not write what is needed: Ray Train starts the
    workers again from the newest complete checkpoint, as after any fault.
    """
    for writing in [each for each in worker.writing if kind in (None, each.kind)]:
        busy = torch.tensor([float(not writing.written.done())])
        if not wait and all_sum(busy, worker.device).item():
            return
        worker.writing.remove(writing)
        text = first_problem(_problem(worker, writing))
        if text and writing.needed:
            raise OSError(text)
        if text:
            told = {"status": WARNING, "problem": f"{text}; {GO_ON}"}
            note(worker, "event", told)
        else:
            writing.conclude(writing.written.result())


def end_writing(worker: Worker) -> None:
    """When a run fails for another reason: wait until this worker's parts are written."""
    for writing in worker.writing:
        _problem(worker, writing)


def make_room(worker: Worker, needed: int, what: str, advice: str = START_AGAIN) -> None:
    """See that there is room for so many bytes beside those that are being written.

    All ranks call it, and raise RunFailed, with the advice, if there is none.
    """
    run = Path(worker.job.run)
    awaited = sum(writing.size for writing in worker.writing)
    if first_problem(lack_of_room(run, needed + awaited, what)):
        settle(worker)
    agree(lack_of_room(run, needed, what, advice))


def _problem(worker: Worker, writing: Writing) -> str | None:
    """Wait for this worker's part; what went wrong."""
    error = writing.written.exception()
    if error is None:
        return None
    traceback.print_exception(error)
    told = f"{type(error).__name__}: {error}"
    return f"worker {worker.rank} could not write {writing.what}: {told}"
