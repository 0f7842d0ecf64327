"""Removing a run: all that its folder holds, unless a process is at work on it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clism_ray.hold import hold
from clism_ray.train.known_run import RECORD, known_run


class Removed(NamedTuple):
    """What went."""

    folder: Path
    files: int
    bytes: int


def remove_run(storage: Path, name: str) -> Removed:
    """Remove the run of this name.

    Raises InputError if there is none, or if another process drives it.
    """
    folder = known_run(storage, name)
    with hold(folder, f"the run {name!r}"):
        sizes = [path.stat().st_size for path in _files(folder)]
        # Its record goes last: a removal that is interrupted can be started again.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == RECORD):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        folder.rmdir()
        folder.with_name(f"{name}.lock").unlink(missing_ok=True)
    return Removed(folder, len(sizes), sum(sizes))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
