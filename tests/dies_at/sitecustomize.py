"""Kills the process that first comes to a certain point of its work.

Python imports this file at its start where the folder is on PYTHONPATH. `DIES_AT` holds, in four
lines: an event of Python's (`os.mkdir`, `os.rename`, `shutil.rmtree`, `open`), a regular expression
that its arguments match, a file that must be there already, and one that the dying process makes:
only one dies. With a fifth line, "by memory", it takes more and more of that until it is killed.
"""

import os
import re
import signal
import sys
import time
from typing import Any

KILLED = "DIES_AT"


def _die_at(wanted: str, pattern: str, after: str, once: str, how: str = "") -> None:
    matches = re.compile(pattern).search

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event != wanted or not matches(" ".join(map(str, arguments))):
            return
        if not os.path.exists(after):  # noqa: PTH110 - pathlib is slow to import, in every process
            return
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        held: list[bytearray] = []
        while how == "by memory":
            if len(held) < 160:  # 10 GiB, more than is left to it
                held.append(bytearray(b"x" * 2**26))
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


if KILLED in os.environ:
    _die_at(*os.environ[KILLED].split("\n"))
