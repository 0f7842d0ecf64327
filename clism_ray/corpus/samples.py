"""Samples of the dropped lines: a few for each language pair, corpus and reason.

Which ones depends on where lines stand alone, so neither the order nor the number of tasks shows.
"""

import bisect
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from clism_ray.corpus.pieces import whole
from clism_ray.records import Origin

DROPPED = "dropped.jsonl"
KEPT = 5  # lines of a kind
CHARACTERS = 200  # of a text; the rest is cut off
_COLUMNS = ("language_pair", "corpus", "reason", "file", "line", "source", "target")


class DroppedLine(NamedTuple):
    """A line that was dropped, with the beginning of its texts, or None where they have none."""

    hash: int  # of its origin: those with the lowest are kept
    file: str
    line: int
    source: str | None
    target: str | None


Kind: TypeAlias = tuple[str, str, str]  # language pair, corpus, reason
Samples: TypeAlias = dict[Kind, list[DroppedLine]]  # in the order of their hashes


def note(
    samples: Samples,
    language_pair: str,
    reason: str,
    origin: Origin,
    source: str | None = None,
    target: str | None = None,
) -> None:
    """Add a dropped line, if it is one of those to keep."""
    place = f"{origin.corpus}\0{origin.file}\0{origin.line}".encode()
    number = int.from_bytes(hashlib.blake2b(place, digest_size=8).digest(), "big")
    lines = samples.setdefault((language_pair, origin.corpus, reason), [])
    if len(lines) < KEPT or number < lines[-1].hash:
        texts = (text and text[:CHARACTERS] for text in (source, target))
        bisect.insort(lines, DroppedLine(number, origin.file, origin.line, *texts))
        del lines[KEPT:]


def write_samples(path: Path, samples: Samples) -> None:
    """Write language_pair, corpus, reason, file, line, source, target; sorted, a line each."""
    rows = sorted(
        (*kind, line.file, line.line, line.source, line.target)
        for kind, lines in samples.items()
        for line in lines
    )
    with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            named = dict(zip(_COLUMNS, row, strict=True))
            print(json.dumps(named, ensure_ascii=False), file=file)


def read_samples(paths: Iterable[Path]) -> Samples:
    """The samples of all lines from those of parts of them."""
    samples: Samples = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="\n") as file:
            for row in map(json.loads, file):
                origin = Origin(row["corpus"], row["file"], row["line"])
                note(
                    samples,
                    row["language_pair"],
                    row["reason"],
                    origin,
                    row["source"],
                    row["target"],
                )
    return samples
