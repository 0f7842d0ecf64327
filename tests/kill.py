"""Killing a training worker when it must hurt: after steps that no checkpoint has."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from clism_ray.train import journal
from clism_ray.train.checkpoint import complete, folder_of, steps_saved

QUIET_S = 0.5  # after which what a stopped worker had reported is in the journal


@contextmanager
def a_worker_killed(storage: Path, steps: int) -> Iterator[None]:
    """SIGKILL a worker of a run of so many steps, the first under `storage` that starts meanwhile.

    Once it took new steps that must run again. It stands still while its journal is read, so
    nothing depends on how fast either is. Nothing is killed when the run is over before.
    """
    over = threading.Event()
    others = {worker.pid for worker in _training_workers()}
    thread = threading.Thread(target=_kill, args=(storage, steps, others, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def steps_run(run: Path) -> list[int]:
    """Every step as often as it ran."""
    entries, _ = journal.read_from(run / journal.JOURNAL, 0)
    return [entry.step for entry in entries if entry.kind == "train"]


def _kill(storage: Path, steps: int, others: set[int], over: threading.Event) -> None:
    before: int | None = None
    while not over.wait(0.1):
        run = next((path.parent for path in storage.rglob(journal.JOURNAL)), storage)
        before = max(steps_run(run), default=0) if before is None else before
        if not _would_hurt(run, before, steps):
            continue
        for worker in [each for each in _training_workers() if each.pid not in others][:1]:
            worker.suspend()
            time.sleep(QUIET_S)
            if _would_hurt(run, before, steps):
                worker.kill()
                return
            worker.resume()


def _would_hurt(run: Path, before: int, steps: int) -> bool:
    """Whether a whole checkpoint is there, and steps after it, all of them of this start."""
    saved = [step for step in steps_saved(run) if complete(folder_of(run, step))]
    return bool(saved) and max(before, *saved) < max(steps_run(run), default=0) < steps


def _training_workers() -> list[psutil.Process]:
    """Those that this process has started; one may have stood idle before it became a worker."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            named = "RayTrainWorker" in " ".join([process.name(), *process.cmdline()])
            alive = process.status() != psutil.STATUS_ZOMBIE
            if named and alive:
                found.append(process)
    return found
