"""What taking in stored, by its names: a folder that is listed may not show a new piece yet.

intake/00003-000000000001.json   of a chunk of lines: what was counted, and its pieces
intake/dev.json, train.json      the same of all corpora of a split
intake/train/*.arrow, dev/*      the pieces: usable pairs of a split, by bucket
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from clism_ray.corpus.intake import SPLITS, Split
from clism_ray.corpus.pieces import counted, unseen

Pieces: TypeAlias = Counter[tuple[str, str, str]]  # (split, language pair, name) -> rows


def record(folder: Path, name: str) -> Path:
    """Where it stands what was counted: of a chunk, or of all corpora of a split."""
    return folder / "intake" / f"{name}.json"


def piece(folder: Path, split: str, name: str) -> Path:
    """The usable pairs of a chunk that are of a split."""
    return folder / "intake" / split / f"{name}.arrow"


def pieces(
    folder: Path,
    split: Split,
    language_pair: str | None = None,
    corpora: Sequence[Split] = SPLITS,
) -> list[Path]:
    """All pieces of a split, or those of a language pair, that the corpora of some splits gave.

    Raises Unavailable if what these gave is not seen from here.
    """
    return [
        piece(folder, split, name)
        for of in corpora
        for (split_of, pair, name) in _stored(folder, of)
        if split_of == split and language_pair in (None, pair)
    ]


def usable(folder: Path, split: Split) -> Counter[str]:
    """How many usable pairs of each language pair a split has; raises as `pieces` does."""
    number: Counter[str] = Counter()
    for of in SPLITS:
        for (split_of, pair, _), rows in _stored(folder, of).items():
            if split_of == split:
                number[pair] += rows
    return number


@lru_cache(maxsize=len(SPLITS))
def _stored(folder: Path, name: str) -> Pieces:
    path = record(folder, name)
    try:
        _, stored = counted(path)
    except FileNotFoundError as error:
        raise unseen(path) from error
    return stored
