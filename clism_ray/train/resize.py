"""Workers save before their number changes, by two files beside their run.

Who decides on the number makes the first; the first worker puts the second in its place when the
checkpoint is complete, and stands still: steps from there on would be lost. If the number stays
after all, the second goes as well. Without this, a node that joins would cost the steps since the
last checkpoint.
"""

import time
from contextlib import suppress
from pathlib import Path

from clism_ray.train.stop import asked_to_stop

_ASKED = "save"
_SAVED = "saved"
_PATIENCE_S = 150.0  # more than a file takes to be seen, or gone, on every node
_LOOK_S = 0.5


def ask_to_save(run: Path) -> None:
    """Ask a run's workers for a checkpoint after the step they are at."""
    go_on(run)
    (run / _ASKED).touch()


def asked_to_save(run: Path) -> bool:
    """Whether somebody asked, and the workers have not yet saved."""
    return (run / _ASKED).exists()


def saved(run: Path) -> bool:
    """Whether the workers saved, and stand still."""
    return (run / _SAVED).exists()


def go_on(run: Path) -> None:
    """The number of workers stays: nothing is asked of them, and they may go on."""
    for name in (_ASKED, _SAVED):
        (run / name).unlink(missing_ok=True)


def tell_saved(run: Path) -> None:
    """The checkpoint is complete."""
    with suppress(FileNotFoundError):  # nobody asks any more
        (run / _ASKED).rename(run / _SAVED)


def stand_still(run: Path) -> None:
    """Wait to be ended; not if the number stays, or the run is to stop, nor for ever."""
    end = time.monotonic() + _PATIENCE_S
    while saved(run) and not asked_to_stop(run) and time.monotonic() < end:
        time.sleep(_LOOK_S)
