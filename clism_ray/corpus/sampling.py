"""How often the rows of a language pair are repeated, so that small ones are seen more.

XLM-R draws languages with probability proportional to n^alpha, alpha = 0.3 (Conneau et al. 2020),
M2M-100 and mT5 likewise with a temperature T = 1 / alpha. Here nothing is drawn: rows are repeated
until the sizes stand in these proportions, the largest pair once, so that an epoch is a fixed
multiset which leaves out nothing. Groups are language pairs, as in those works: corpora of one
pair keep their natural shares, as a small one (the strings of a program) would be repeated without
being a language of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from clism_ray.corpus.intake import KEYS, bucket_of, in_key_order, key
from clism_ray.records import ALIGNED_SCHEMA

KEYED_SCHEMA = pa.schema([("key", pa.uint64()), *ALIGNED_SCHEMA])
_NO_ROWS = pa.RecordBatch.from_pylist([], schema=KEYED_SCHEMA)
_SAID = ("source_language", "target_language", "source", "target")


def repeats(sizes: Mapping[str, int], temperature: float) -> dict[str, float]:
    """How often a row of each group occurs on average: (n_max / n)^(1 - 1/T), at least 1."""
    largest = max(sizes.values(), default=0)
    return {group: (largest / size) ** (1 - 1 / temperature) for group, size in sizes.items()}


def copies_of(row_key: int, repeat: float) -> int:
    """How many copies a row gets beside itself: floor(r) - 1, and one more for a share of rows.

    The share is the fraction of r; a hash of the row's key says whether it is among them.
    """
    whole = int(repeat)
    return whole - 1 + (key(str(row_key), "share") < (repeat - whole) * KEYS)


def copy_key(row_key: int, copy: int) -> int:
    """The key of a row's copy, from 1: its place in hash order, far from the row's own."""
    return key(str(row_key), str(copy))


def copies(rows: pa.Table, repeat: Mapping[str, float]) -> pa.Table:
    """The copies of rows of `ALIGNED_SCHEMA`, of `KEYED_SCHEMA` and in the order of their keys."""
    places, keys = [], []
    said = zip(row_keys(rows), language_pairs(rows), strict=True)
    for place, (row_key, pair) in enumerate(said):
        for copy in range(1, copies_of(row_key, repeat.get(pair, 1.0)) + 1):
            places.append(place)
            keys.append(copy_key(row_key, copy))
    return in_key_order(_keyed(rows.take(pa.array(places, pa.int64())), keys))


def in_buckets(copied: pa.Table, buckets: int) -> Iterator[pa.RecordBatch]:
    """Rows in key order, cut into the buckets of their keys."""
    places = np.array([bucket_of(number, buckets) for number in copied["key"].to_pylist()])
    edges = np.searchsorted(places, range(buckets + 1))
    for first, end in pairwise(edges.tolist()):
        (batch,) = copied.slice(first, end - first).combine_chunks().to_batches() or [_NO_ROWS]
        yield batch


def with_copies(rows: pa.Table, copied: pa.Table) -> pa.Table:
    """Rows of `ALIGNED_SCHEMA`, and copies of such rows, together in the order of their keys."""
    both = pa.concat_tables([_keyed(rows, row_keys(rows)), copied])
    return in_key_order(both).drop_columns(["key"])


def row_keys(rows: pa.Table) -> list[int]:
    """The keys of rows, as they were given when their texts were taken in."""
    columns = (rows[name].to_pylist() for name in _SAID)
    return [key(*said) for said in zip(*columns, strict=True)]


def language_pairs(rows: Any) -> list[str]:
    """The language pair of each row of a table or batch, as en-de."""
    columns = (rows[name].to_pylist() for name in ("source_language", "target_language"))
    return ["-".join(languages) for languages in zip(*columns, strict=True)]


def _keyed(rows: pa.Table, keys: Sequence[int]) -> pa.Table:
    return rows.add_column(0, KEYED_SCHEMA.field("key"), pa.array(keys, pa.uint64()))
