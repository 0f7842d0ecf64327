"""Processes that tests start: none outlives the test that it was started for."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def killed_at_last(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """The process; whatever happens to the test, it is gone afterwards."""
    with process:
        try:
            yield process
        finally:
            process.kill()
