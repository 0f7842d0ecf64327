"""A run of a file, as cut and not yet parsed: what a task takes over from the one that reads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

# A second or two of work, as Ray takes 0.2 from one task to the next. It costs 40 MB in a task, and
# that a file of fewer lines is one task's.
CHUNK_LINES = 40_000
CHUNK_BYTES = 32 << 20  # a chunk ends behind the line that reaches this

Reason: TypeAlias = Literal[
    "undecodable", "too_few_columns", "bad_json", "no_text", "unknown_entity"
]
Texts: TypeAlias = tuple[str, str] | Reason  # source and target, or why they are none
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Lines:
    """Consecutive lines without their ends, of a file that holds both sides."""

    first_line: int  # from 1
    lines: tuple[bytes, ...]
    columns: tuple[int, int] | None  # tsv: positions of source and target


@dataclass(frozen=True, slots=True)
class Pairs:
    """Consecutive pairs whose sides stand apart already; a side that has no text is a reason."""

    first_line: int  # from 1; of formats without lines the number of the pair
    pairs: tuple[tuple[bytes, bytes] | Reason, ...]


Chunk: TypeAlias = Lines | Pairs


def blocks(rows: Iterable[RowT], lines: int, size: Callable[[RowT], int]) -> Iterator[list[RowT]]:
    """Rows in runs of `lines`, or fewer where they are large; `size` in bytes."""
    block: list[RowT] = []
    held = 0
    for row in rows:
        block.append(row)
        held += size(row)
        if len(block) == lines or held >= CHUNK_BYTES:
            yield block
            block, held = [], 0
    if block:
        yield block


def in_chunks(pairs: Iterable[tuple[bytes, bytes] | Reason], lines: int) -> Iterator[Pairs]:
    """Pairs from number 1 on, in chunks."""
    first_line = 1
    for block in blocks(pairs, lines, lambda pair: sum(map(len, pair))):
        yield Pairs(first_line, tuple(block))
        first_line += len(block)


def decoded(pairs: Sequence[tuple[bytes, bytes] | Reason]) -> Iterator[Texts]:
    """The texts of pairs, decoded one by one."""
    for pair in pairs:
        if isinstance(pair, str):
            yield pair
            continue
        try:
            yield pair[0].decode(), pair[1].decode()
        except UnicodeDecodeError:
            yield "undecodable"
