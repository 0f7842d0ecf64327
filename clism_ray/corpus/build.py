"""From usable pairs to aligned pairs: drop duplicates, find spans, align words, project.

Every pair that comes in goes out as a row or as a counted reason.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clism_ray.corpus.align import align
from clism_ray.corpus.intake import Counts
from clism_ray.corpus.project import Outcome, project
from clism_ray.corpus.samples import Samples, note
from clism_ray.corpus.sides import side
from clism_ray.corpus.spans import Finder, Known
from clism_ray.corpus.tables import Tables
from clism_ray.records import ALIGNED_SCHEMA, Origin, SpanPair

_BATCH = 256  # rows that are Python's objects at a time, where they need not be more

SpanCounts: TypeAlias = Counter[tuple[str, str]]  # (language pair, outcome) -> spans


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
    groups, repeated = _groups(rows, near_duplicates)
    _drop(_some(rows, repeated), repeated.values(), counts, samples)
    built: list[pa.Table] = []  # as Python's objects, a bucket of rows takes much more memory
    order: list[int] = []  # their positions
    for languages, group in groups.items():
        name, parts = "-".join(languages), language_pair(*languages)
        for first in range(0, len(group), parts.tables.linker.batch):
            positions = group[first : first + parts.tables.linker.batch]
            batch = _some(rows, positions)
            texts = batch["source"].to_pylist(), batch["target"].to_pylist()
            outcomes = dict(enumerate(aligned_spans(*texts, parts)))
            _count_spans(name, outcomes.values(), span_counts)
            kept = {n: spans for n, each in outcomes.items() if (spans := _projected(each))}
            built.append(_aligned(_some(batch, kept), list(kept.values())))
            order += [positions[n] for n in kept]
            counts.update((name, corpus, split) for corpus in built[-1]["corpus"].to_pylist())
            lost = {n: _commonest(each) for n, each in outcomes.items() if n not in kept}
            _drop(_some(batch, lost), lost.values(), counts, samples)
        del parts  # with its tables, before others are opened
    aligned = pa.concat_tables([ALIGNED_SCHEMA.empty_table(), *built]).combine_chunks()
    return aligned.take(np.argsort(order)), counts, span_counts, samples


def aligned_spans(
    sources: Sequence[str], targets: Sequence[str], parts: LanguagePair
) -> list[list[Outcome]]:
    """For each pair its informative spans, each projected or with the reason why it is not."""
    whole = side(sources)
    tables = parts.tables
    known = Known(tables.casing, tables.frequency, tables.total)
    found = parts.find_spans(whole.texts, whole.offsets(), known)
    asked = [n for n, spans in enumerate(found) if spans]
    source = whole.take(np.array(asked, np.int64))
    target = side([targets[n] for n in asked])
    spans = [found[n] for n in asked]
    alignment = align(tables, source, target, spans)
    projected: list[list[Outcome]] = [[] for _ in sources]
    answers = project(spans, source, target, alignment, parts.max_words)
    for place, (n, outcomes) in enumerate(zip(asked, answers, strict=True)):
        is_unread = place in alignment.links.unread
        projected[n] = ["too_many_tokens"] * len(outcomes) if is_unread else outcomes
    return projected


def _groups(
    rows: pa.Table, near_duplicates: Container[int]
) -> tuple[dict[tuple[str, str], list[int]], dict[int, str]]:
    """The positions of each language pair's rows; those that others repeat, and in what way.

    Rows in key order: what says the same stands together.
    """
    says = [rows[c] for c in ("source_language", "target_language", "source", "target")]
    same = [pc.equal(column[1:], column[:-1]) for column in says]
    is_duplicate = [False, *reduce(pc.and_, same).to_pylist()]
    groups: dict[tuple[str, str], list[int]] = {}
    repeated: dict[int, str] = {}
    columns = (column.to_pylist() for column in (rows["key"], *says[:2]))
    for position, (key, *languages) in enumerate(zip(*columns, strict=True)):
        if is_duplicate[position] or key in near_duplicates:
            repeated[position] = "duplicate" if is_duplicate[position] else "near_duplicate"
        else:
            groups.setdefault((languages[0], languages[1]), []).append(position)
    return groups, repeated


def _some(rows: pa.Table, positions: Iterable[int]) -> pa.Table:
    return rows.take(pa.array(positions, pa.int64()))


def _projected(outcomes: Sequence[Outcome]) -> list[SpanPair]:
    return [outcome for outcome in outcomes if isinstance(outcome, SpanPair)]


def _commonest(reasons: Sequence[Outcome]) -> str:
    """The commonest reason for which no span of a pair is there."""
    return Counter(map(str, reasons)).most_common(1)[0][0] if reasons else "no_span"


def _count_spans(name: str, outcomes: Iterable[Sequence[Outcome]], counts: SpanCounts) -> None:
    counts.update({(name, "in"): 0, (name, "kept"): 0})  # these are told if there are none, too
    for outcome in chain.from_iterable(outcomes):
        counts[name, "in"] += 1
        counts[name, outcome if isinstance(outcome, str) else "kept"] += 1


def _drop(rows: pa.Table, reasons: Iterable[str], counts: Counts, samples: Samples) -> None:
    batches = (batch.to_pylist() for batch in rows.to_batches(max_chunksize=_BATCH))
    for row, reason in zip(chain.from_iterable(batches), reasons, strict=True):
        language_pair = f"{row['source_language']}-{row['target_language']}"
        counts[language_pair, row["corpus"], reason] += 1
        origin = Origin(row["corpus"], row["file"], row["line"])
        note(samples, language_pair, reason, origin, row["source"], row["target"])


def _aligned(rows: pa.Table, spans: Sequence[Sequence[SpanPair]]) -> pa.Table:
    """Rows with their spans, one or more each, by `ALIGNED_SCHEMA`."""
    of_spans = ALIGNED_SCHEMA.field("spans").type
    fields = list(of_spans.value_type)
    columns = list(zip(*chain.from_iterable(spans), strict=True)) or [()] * len(fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    ends = pa.array(np.cumsum([0, *map(len, spans)]), pa.int32())
    structs = pa.StructArray.from_arrays(arrays, fields=fields)
    made = {
        "row_id": pa.array(np.full(len(spans), -1)),
        "spans": pa.ListArray.from_arrays(ends, structs, type=of_spans),
    }
    whole = [made[name] if name in made else rows[name] for name in ALIGNED_SCHEMA.names]
    return pa.table(whole, schema=ALIGNED_SCHEMA)
