"""Asking a run to stop: a file beside it, which the driver makes and its first worker looks for.

SIGTERM is what `ray job stop` and Slurm send to a driver, and to a driver alone.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from clism_ray.train import journal
from clism_ray.train.status import TRAINING, WORKERS_LOST

_ASKED = "stop"
_AFTER_THE_STEP = "asked to stop: the run ends after this step, with a checkpoint"
_AT_ONCE = "asked to stop: no workers are at work, or none has told so yet; the run ends at once"

_interrupted: dict[Path, bool] = {}  # of the runs whose driver does nothing but wait for workers


class Interrupted(Exception):
    """A SIGTERM that no workers are there to follow."""


@contextmanager
def interruptible(run: Path) -> Iterator[None]:
    """Where a SIGTERM may raise `Interrupted`: elsewhere it would cut short what must be done."""
    _interrupted[run] = False
    try:
        yield
    except KeyboardInterrupt as error:  # what Ray lets a handler of signals raise
        if _interrupted[run]:
            raise Interrupted from error
        raise
    finally:
        del _interrupted[run]


@contextmanager
def stopping_on_sigterm(run: Path) -> Iterator[None]:
    """Turn a SIGTERM into a wish to stop, which the workers follow after the step they are at.

    Where there are none, which may wait for a node for ever, it raises `Interrupted`.
    Connecting to Ray installs another handler, so this comes after. Only a process's main
    thread may do it; in another one SIGTERM stays what it was.
    """
    (run / _ASKED).unlink(missing_ok=True)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    begun = journal.read_from(run / journal.JOURNAL, 0)[1]

    def ask(*_: Any) -> None:
        (run / _ASKED).touch()  # first: a print may fail in what it interrupts
        working = run not in _interrupted or _at_work(run, begun)
        with suppress(RuntimeError, OSError):  # a print that it interrupts; nobody who reads
            print(_AFTER_THE_STEP if working else _AT_ONCE, flush=True)
        if not working:
            _interrupted[run] = True
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def asked_to_stop(run: Path) -> bool:
    """Whether a run is to stop."""
    return (run / _ASKED).exists()


def _at_work(run: Path, begun: int) -> bool:
    """Whether workers have begun since a position of the journal, and were not lost after it."""
    entries, _ = journal.read_from(run / journal.JOURNAL, begun)
    told = [entry.values["status"] for entry in entries if entry.kind == "event"]
    return [status for status in told if status in (TRAINING, WORKERS_LOST)][-1:] == [TRAINING]
