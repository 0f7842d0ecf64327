"""Programs of aligners, each run in a process of its own, and what their failures mean."""

import os
import signal
import subprocess
from collections.abc import Sequence
from errno import EDQUOT, ENOSPC
from pathlib import Path

from clism_ray.errors import InputError, Unavailable

FULL = (ENOSPC, EDQUOT)  # no room on the device, or none of the user's share of it
_KILLED = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}  # by others
# Of the program or of a child of it.
_RAN_OUT = (*map(os.strerror, FULL), "MemoryError", "bad_alloc", "SIGKILL")


def run(command: Sequence[str], what: str, at: Path | None = None) -> None:
    """Run a program to its end, with one OpenMP thread, in the folder `at`.

    `what` names the work in messages. Raises InputError, with what the program said, if it fails;
    Unavailable if it was killed, as by a node that runs out of memory or is shut down, or found no
    room.
    """
    outcome = subprocess.run(  # noqa: S603 - on files of our own
        command,
        cwd=at,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode == 0:
        return
    told = f"{what} failed (exit code {outcome.returncode}): {outcome.stderr.strip()[-500:]}"
    if outcome.returncode in _KILLED or any(sign in outcome.stderr for sign in _RAN_OUT):
        raise Unavailable(
            f"{told}; memory or the disk may have run out: with more of it, or fewer tasks at a "
            "time (resources.max_tasks), start it again, which goes on from here"
        )
    raise InputError(told)
