"""Removing a run: all that its folder holds and its copies, unless a process is at work on it.

A copy that stayed would bring the run back: the next start of its name goes on from it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from clism_ray.errors import InputError
from clism_ray.hold import hold
from clism_ray.passwords import masked
from clism_ray.train import copies
from clism_ray.train.known_run import RECORD, known_run


class Removed(NamedTuple):
    """What went."""

    folder: Path
    files: int
    bytes: int


def remove_run(storage: Path, name: str) -> Removed:
    """Remove the run of this name, and first its copies.

    Raises InputError if there is none, if another process drives it, or if the place of its copies
    cannot be reached. Then nothing is removed.
    """
    folder = known_run(storage, name)
    with hold(folder, f"the run {name!r}"):
        if place := copies_of(storage, name):
            copies.remove(place)
        sizes = [path.stat().st_size for path in _files(folder)]
        # Its record goes last: a removal that is interrupted can be started again.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == RECORD):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        folder.rmdir()
        folder.with_name(f"{name}.lock").unlink(missing_ok=True)
    return Removed(folder, len(sizes), sum(sizes))


def copies_of(storage: Path, name: str) -> str | None:
    """Where a run has copies, by the configuration of its latest start; None if it has none.

    Raises InputError if there is no such run, or if the place cannot be reached.
    """
    folder = known_run(storage, name)
    path = folder / "config.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    copy_to = (tree.get("checkpoint") or {}).get("copy_to")
    if copy_to is None:
        return None
    place = copies.place_of(copy_to, name)
    try:
        return place if copies.any_at(place) else None
    except InputError as error:
        raise InputError(
            f"checkpoint.copy_to: {masked(str(error))}; nothing was removed: do it when the place "
            f"can be reached, or take copy_to out of {path}, and what is there stays"
        ) from error


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
