"""One process at a time drives a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from clism_ray.errors import InputError
from clism_ray.hold import hold

HOLD = """
import pathlib, sys, time
from clism_ray.hold import hold
with hold(pathlib.Path(sys.argv[1]), ""):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_processes_cannot_drive_one_run_and_a_dead_one_lets_go(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        told = pytest.raises(InputError, match=f"driven by process {other.pid} on")
        with told, hold(folder, "the run 'first'"):
            pass
        other.kill()
    with hold(folder, "first"), hold(tmp_path / "second", "second"):
        pass
