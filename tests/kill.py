"""Killing a training worker when it must hurt: after steps that no checkpoint has."""

import time
from contextlib import suppress
from pathlib import Path

import psutil

from clism_ray.train import journal
from clism_ray.train.checkpoint import complete, folder_of, steps_saved

QUIET_S = 0.5  # after which what a stopped worker had reported is in the journal


def kill_a_worker(run: Path, steps: int) -> None:
    """SIGKILL a worker of a run of so many steps that starts now, once some ran that must again.

    The worker stands still while its journal is read, so nothing depends on how fast either is.
    Returns without killing when the run has ended.
    """
    began = time.time()
    while not (workers := _training_workers(began)):
        time.sleep(0.05)
    while (reached := max(steps_run(run), default=0)) < steps:
        if not any(step < reached for step in steps_saved(run)):
            time.sleep(0.01)
            continue
        workers[0].suspend()
        time.sleep(QUIET_S)
        saved = [step for step in steps_saved(run) if complete(folder_of(run, step))]
        if saved and max(saved) < max(steps_run(run)) < steps:
            workers[0].kill()
            return
        workers[0].resume()
        time.sleep(0.02)


def steps_run(run: Path) -> list[int]:
    """Every step as often as it ran."""
    entries, _ = journal.read_from(run / journal.JOURNAL, 0)
    return [entry.step for entry in entries if entry.kind == "train"]


def _training_workers(since: float) -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            named = "RayTrainWorker" in " ".join([process.name(), *process.cmdline()])
            if named and process.create_time() >= since:
                found.append(process)
    return found
