"""The shell files and the Dockerfile as their linters see them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = sorted([*(ROOT / "cluster").rglob("*.sh"), ROOT / ".ci" / "run"])


def lint(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A program that was installed beside this Python."""
    command = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_shellcheck_has_nothing_to_say() -> None:
    assert len(SHELL) >= 5
    done = lint("shellcheck", *SHELL)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_has_nothing_to_say() -> None:
    done = lint("hadolint", ROOT / "cluster" / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("program", "text", "rule"),
    [
        ("shellcheck", '#!/bin/sh\nrm -rf "$1"/*\ncd $2\n', "SC2086"),
        ("hadolint", "FROM python:latest\nUSER root\n", "DL3007"),
    ],
)
def test_a_broken_file_is_found(program: str, text: str, rule: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(text, encoding="utf-8")
    done = lint(program, broken)
    assert done.returncode == 1
    assert rule in done.stdout
