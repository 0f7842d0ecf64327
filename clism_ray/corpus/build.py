"""From usable pairs to aligned pairs: drop duplicates, find spans, align words, project.

Every pair that comes in goes out as a row or as a counted reason.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from clism_ray.corpus.align import align
from clism_ray.corpus.intake import Counts
from clism_ray.corpus.project import Outcome, project
from clism_ray.corpus.samples import Samples, note
from clism_ray.corpus.sides import side
from clism_ray.corpus.spans import Finder, Known
from clism_ray.corpus.tables import Tables
from clism_ray.records import ALIGNED_SCHEMA, Origin, SpanPair

SpanCounts: TypeAlias = Counter[tuple[str, str]]  # (language pair, outcome) -> spans
Row: TypeAlias = dict[str, Any]

_BATCH = 256


@dataclass(frozen=True, slots=True)
class LanguagePair:
    """What is needed to build the rows of one language pair."""

    tables: Tables
    find_spans: Finder
    max_words: int


def build(
    rows: pa.Table,
    split: str,
    language_pair: Callable[[str, str], LanguagePair],
    near_duplicates: Container[int] = frozenset(),
) -> tuple[pa.Table, Counts, SpanCounts, Samples]:
    """Aligned rows, in the order of `rows`, from rows in key order. `row_id` is -1 as yet.

    Counts: (language pair, corpus, outcome), where the outcome is the split, "duplicate",
    "near_duplicate" for the keys of `near_duplicates`, "no_span" for pairs without an informative
    span, or the commonest reason for which a pair's spans could not be projected. Samples hold
    some of the pairs that were dropped.
    """
    rows = rows.combine_chunks()  # so that taking some of them costs no more than those
    counts: Counts = Counter()
    span_counts: SpanCounts = Counter()
    samples: Samples = {}
    groups: dict[tuple[str, str], list[int]] = {}  # positions
    for position, (row, is_duplicate) in enumerate(_marked(rows)):
        languages = row["source_language"], row["target_language"]
        if is_duplicate or row["key"] in near_duplicates:
            reason = "duplicate" if is_duplicate else "near_duplicate"
            _drop("-".join(languages), row, reason, counts, samples)
        else:
            groups.setdefault(languages, []).append(position)
    built: list[pa.Table] = []  # as Python's objects, a bucket of rows takes much more memory
    order: list[int] = []  # their positions
    for languages, group in groups.items():
        name, parts = "-".join(languages), language_pair(*languages)
        for first in range(0, len(group), parts.tables.linker.batch):
            positions = group[first : first + parts.tables.linker.batch]
            batch, kept = rows.take(positions).to_pylist(), []
            for position, row, outcome in zip(
                positions, batch, aligned_spans(batch, parts), strict=True
            ):
                spans = [span for span in outcome if isinstance(span, SpanPair)]
                reasons = Counter[str](reason for reason in outcome if isinstance(reason, str))
                span_counts[name, "in"] += len(spans) + reasons.total()
                span_counts[name, "kept"] += len(spans)
                span_counts.update({(name, reason): n for reason, n in reasons.items()})
                if spans:
                    counts[name, row["corpus"], split] += 1
                    order.append(position)
                    kept.append(_aligned_row(row, spans))
                else:
                    reason = reasons.most_common(1)[0][0] if reasons else "no_span"
                    _drop(name, row, reason, counts, samples)
            built.append(pa.Table.from_pylist(kept, schema=ALIGNED_SCHEMA))
        del parts  # with its tables, before others are opened
    aligned = pa.concat_tables([ALIGNED_SCHEMA.empty_table(), *built]).combine_chunks()
    return aligned.take(np.argsort(order)), counts, span_counts, samples


def aligned_spans(rows: Sequence[Row], parts: LanguagePair) -> list[list[Outcome]]:
    """For each row its informative spans, each projected or with the reason why it is not."""
    sources = side([row["source"] for row in rows])
    tables = parts.tables
    known = Known(tables.casing, tables.frequency, tables.total)
    found = parts.find_spans(sources.texts, sources.offsets(), known)
    asked = [n for n, spans in enumerate(found) if spans]
    source = sources.take(np.array(asked, np.int64))
    target = side([rows[n]["target"] for n in asked])
    spans = [found[n] for n in asked]
    alignment = align(tables, source, target, spans)
    projected: list[list[Outcome]] = [[] for _ in rows]
    answers = project(spans, source, target, alignment, parts.max_words)
    for place, (n, outcomes) in enumerate(zip(asked, answers, strict=True)):
        is_unread = place in alignment.links.unread
        projected[n] = ["too_many_tokens"] * len(outcomes) if is_unread else outcomes
    return projected


def _marked(rows: pa.Table) -> Iterator[tuple[Row, bool]]:
    """Rows in key order, and whether the one before says the same."""
    said: tuple[Any, ...] = ()
    for batch in rows.to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            says = tuple(row[c] for c in ("source_language", "target_language", "source", "target"))
            yield row, says == said
            said = says


def _drop(language_pair: str, row: Row, reason: str, counts: Counts, samples: Samples) -> None:
    counts[language_pair, row["corpus"], reason] += 1
    origin = Origin(row["corpus"], row["file"], row["line"])
    note(samples, language_pair, reason, origin, row["source"], row["target"])


def _aligned_row(row: Row, spans: Sequence[SpanPair]) -> Row:
    kept = {name: row[name] for name in row if name != "key"}
    return {"row_id": -1, **kept, "spans": [span._asdict() for span in spans]}
