"""Which examples a cell trains on: all of a file, a published sample, or a sample drawn here."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config_tasks import filled
from clism_ray.errors import InputError
from clism_ray.randomness import Use, generator


def train_file(path: str, size: int | None, sample: int) -> Path:
    """The file that a size and a sample name; the same for all where the path has no `{size}`."""
    return filled(path, size=size, sample=sample)


def is_published(path: str) -> bool:
    """Whether each sample is a file of its own."""
    return "{size}" in path


def draw(ids: Sequence[str], size: int | None, sample: int, path: Path) -> list[int]:
    """Places of a sample's examples, in the file's order; all of them if no size is given.

    Drawn without replacement: the first so many of a file are often of one article. A sample of
    one size is no part of a larger one.

    Raises InputError if the file has fewer.
    """
    if size is None:
        return list(range(len(ids)))
    if size > len(ids):
        raise InputError(f"{path}: {len(ids)} examples; a sample of {size} was asked for")
    random = generator(Use.FEW_SHOT, sample, index=size)
    return sorted(random.choice(len(ids), size, replace=False).tolist())


def check_published(ids: Sequence[str], size: int | None, path: Path) -> None:
    """Raise InputError unless a published sample holds as many examples as its name says."""
    if len(ids) != size:
        raise InputError(f"{path}: holds {len(ids)} examples, not the {size} of its name")


def ids_hash(ids: Sequence[str]) -> str:
    """16 hexadecimal digits that name a set of training examples in its order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
