"""The page on bad input says what happens now."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "clism_ray" / "corpus" / "readers" / "BAD_INPUT.md"


def test_every_kind_of_bad_input_costs_what_the_page_says() -> None:
    command = [sys.executable, "-m", "tests.bad_input"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == PAGE.read_text(encoding="utf-8").splitlines()
