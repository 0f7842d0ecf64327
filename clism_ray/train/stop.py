"""Asking a run to stop: a file beside it, which the driver makes and its first worker looks for.

SIGTERM is what `ray job stop` and Slurm send to a driver, and to a driver alone.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_ASKED = "stop"
_TOLD = (
    "asked to stop: the run ends after this step, with a checkpoint. A run whose workers are not "
    "there ends after their first step; Ctrl-C ends it at once"
)


@contextmanager
def stopping_on_sigterm(run: Path) -> Iterator[None]:
    """Turn a SIGTERM into a wish to stop, which the workers follow after the step they are at.

    Ray installs a handler of its own when it connects, so this comes after. Only a process's main
    thread may do it; in another one SIGTERM stays what it was.
    """
    (run / _ASKED).unlink(missing_ok=True)
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(*_: Any) -> None:
        (run / _ASKED).touch()  # first: a print may fail in what it interrupts
        with suppress(RuntimeError, OSError):  # a print that it interrupts; nobody who reads
            print(_TOLD, flush=True)

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def asked_to_stop(run: Path) -> bool:
    """Whether a run is to stop."""
    return (run / _ASKED).exists()
