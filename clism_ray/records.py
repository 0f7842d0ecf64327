"""The stages of one sentence pair's life, and the names of their Arrow columns.

    SentencePair   as read from a file
    AlignedPair    with its spans found and projected; what a prepared corpus holds
    Example        tokenised and masked for one epoch
    Batch          a micro-batch: examples laid end to end, without padding

Offsets into texts are characters, half-open `[start, end)`. Offsets into token sequences are
tokens; answers are inclusive `(start, end)`, as the paper's two pointers are.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Origin(NamedTuple):
    """Where a pair came from. Its order decides which of several duplicates stays."""

    corpus: str
    file: str
    line: int  # from 1


@dataclass(frozen=True, slots=True)
class SentencePair:
    """Two sentences that say the same, as read."""

    origin: Origin
    source_language: str
    target_language: str
    source: str
    target: str


class SpanPair(NamedTuple):
    """A span of the source and its counterpart in the target, in characters."""

    source_start: int
    source_end: int
    target_start: int
    target_end: int
    label: str  # "name", "number", or the label of the recogniser
    score: float  # how far the projection can be trusted, 0 to 1
    confidence: float = 1.0  # how sure its finder is of the span, 0 to 1; rules always are


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """One row of a prepared corpus. `spans` overlap on neither side and stand in source order."""

    row_id: int
    origin: Origin
    source_language: str
    target_language: str
    source: str
    target: str
    spans: tuple[SpanPair, ...]


ALIGNED_SCHEMA = pa.schema(
    [
        ("row_id", pa.int64()),
        ("source_language", pa.string()),
        ("target_language", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        (
            "spans",
            pa.list_(
                pa.struct(
                    [
                        ("source_start", pa.int32()),
                        ("source_end", pa.int32()),
                        ("target_start", pa.int32()),
                        ("target_end", pa.int32()),
                        ("label", pa.string()),
                        ("score", pa.float32()),
                        ("confidence", pa.float32()),
                    ]
                )
            ),
        ),
        ("corpus", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
    ]
)


def to_row(pair: AlignedPair) -> dict[str, Any]:
    """An aligned pair as a row of `ALIGNED_SCHEMA`."""
    return {
        "row_id": pair.row_id,
        "source_language": pair.source_language,
        "target_language": pair.target_language,
        "source": pair.source,
        "target": pair.target,
        "spans": [span._asdict() for span in pair.spans],
        "corpus": pair.origin.corpus,
        "file": pair.origin.file,
        "line": pair.origin.line,
    }


def from_row(row: dict[str, Any]) -> AlignedPair:
    """The aligned pair that `to_row` wrote."""
    return AlignedPair(
        row_id=row["row_id"],
        origin=Origin(row["corpus"], row["file"], row["line"]),
        source_language=row["source_language"],
        target_language=row["target_language"],
        source=row["source"],
        target=row["target"],
        spans=tuple(SpanPair(**span) for span in row["spans"]),
    )


@dataclass(frozen=True, slots=True)
class Example:
    """A pair as token ids: X = [CLS] masked source [SEP] target [SEP], and the plain source.

    Ranges are half-open token ranges of X; `questions` and answers are positions in X.
    """

    row_id: int
    language: str  # "en-de"
    source_key: int  # equal for equal texts: such rows are no negatives of each other
    target_key: int
    joint_ids: tuple[int, ...]  # X, after MLM corruption
    plain_ids: tuple[int, ...]  # [CLS] source [SEP], never corrupted
    masked_source: tuple[int, int]
    target: tuple[int, int]
    questions: tuple[int, ...]
    answers: tuple[tuple[int, int], ...]  # (first, last) token of each question's answer
    mlm_positions: tuple[int, ...]
    mlm_labels: tuple[int, ...]


IGNORED = -100  # label of a place that no loss counts


@dataclass(frozen=True, slots=True)
class Batch:
    """A micro-batch without padding: sequences laid end to end in one run of tokens.

    Shapes: B pairs, N = 2B sequences (the B joint ones first, then the B plain ones),
    T tokens of all sequences, Q questions, M masked tokens, R rows left out. Positions are
    positions in T.
    Validation adds B sequences, the targets alone, which are pooled in 3B + b.
    An empty micro-batch has one dummy pair with row id -1 and every label IGNORED,
    so that it runs through the same graph and weighs nothing.
    """

    ids_T: NDArray[np.int64]
    types_T: NDArray[np.int64]  # 0, and 1 for the target and its [SEP] in a joint sequence
    offsets_N1: NDArray[np.int64]  # sequence n is tokens offsets[n] .. offsets[n + 1] - 1
    pool_T: NDArray[np.int64]  # b: masked source; B + b: target; 2B + b: plain source; -1: none
    question_Q: NDArray[np.int64]
    start_Q: NDArray[np.int64]  # position of the answer's first token, or IGNORED
    end_Q: NDArray[np.int64]
    masked_M: NDArray[np.int64]
    label_M: NDArray[np.int64]
    row_id_B: NDArray[np.int64]
    language_B: NDArray[np.int64]  # index into the corpus's list of language pairs
    source_key_B: NDArray[np.int64]
    target_key_B: NDArray[np.int64]
    left_out_R: NDArray[np.int64]  # row ids of the pairs that became no example
    dropped: dict[str, int] = field(default_factory=dict)  # reason -> how many of them
