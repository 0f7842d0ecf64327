"""Pieces of a work on disk: each has its name only when it is whole, and is made once.

A run that is killed leaves whole pieces and, under names of their own, parts of others. Two
processes that make the same piece, as when one was given up too early, do not meet.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from clism_ray.errors import Unavailable

_PART = ".part"


class Counted(NamedTuple):
    """What was counted while a piece was made; keys are tuples of strings and integers."""

    counts: tuple[Counter[Any], ...]
    is_new: bool  # made by this call


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file or a folder that is to be named `path` when the block has ended.

    A folder that stands there already stays: pieces depend on their arguments alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}{_PART}")
    try:
        yield part
        for file in [part, *part.rglob("*")]:
            _to_disk(file)
        if not path.is_dir():
            part.rename(path)
    finally:
        _remove(part)


def once(path: Path, make: Callable[[], tuple[Counter[Any], ...]]) -> Counted:
    """What `make` counts, or what it counted in an earlier run: then `path` remembers it.

    `make` leaves its files whole, and may find those of a call that was cut short.
    """
    if path.is_file():
        return Counted(counted(path), False)
    counts = make()
    trees = [[[list(key), number] for key, number in counter.items()] for counter in counts]
    with whole(path) as part:
        part.write_text(json.dumps(trees, ensure_ascii=False) + "\n", encoding="utf-8")
    return Counted(counts, True)


def counted(path: Path) -> tuple[Counter[Any], ...]:
    """What `once` remembers in a file."""
    trees = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Counter({tuple(k): n for k, n in tree}) for tree in trees)


def unseen(path: Path) -> Unavailable:
    """The error of a piece that was made, and is not there for the one that needs it."""
    return Unavailable(
        f"{path}: was written and is not seen here; the output has to be in a folder that all "
        "nodes share. Start it again, which goes on from here"
    )


def remove_parts(folder: Path) -> None:
    """Remove what killed processes left of pieces."""
    for part in list(folder.rglob(f"*{_PART}")):
        _remove(part)


def _to_disk(path: Path) -> None:
    """Have a file's content stored before its name, lest a node that stops keep the name only."""
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
