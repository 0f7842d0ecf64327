"""Rows of small language pairs are repeated, none is left out, and copies lie apart."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.intake import KEYS, bucket_of, read_bucket, write_batches
from clism_ray.corpus.sampling import (
    KEYED_SCHEMA,
    copies,
    copies_of,
    copy_key,
    in_buckets,
    language_pairs,
    repeats,
    row_keys,
    with_copies,
)
from clism_ray.records import ALIGNED_SCHEMA

SIZES = st.dictionaries(st.text(), st.integers(1, 10**9), min_size=1)
TEMPERATURES = st.floats(1, 100)


def rows(**sizes: int) -> pa.Table:
    """As many rows as asked of each target language, with a span each."""
    span = {
        "source_start": 0,
        "source_end": 1,
        "target_start": 0,
        "target_end": 1,
        "label": "name",
        "score": 1.0,
        "confidence": 1.0,
    }
    return pa.Table.from_pylist(
        [
            {
                "row_id": -1,
                "source_language": "en",
                "target_language": language,
                "source": f"S {n}",
                "target": f"T {language} {n}",
                "corpus": "c",
                "file": "f",
                "line": n + 1,
                "spans": [span],
            }
            for language, size in sizes.items()
            for n in range(size)
        ],
        schema=ALIGNED_SCHEMA,
    )


@given(SIZES, TEMPERATURES)
def test_nothing_is_left_out_and_the_largest_comes_once(
    sizes: dict[str, int], temperature: float
) -> None:
    found = repeats(sizes, temperature)
    assert found.keys() == sizes.keys()
    assert min(found.values()) == 1
    assert found[max(sizes, key=lambda group: sizes[group])] == 1


@given(SIZES)
def test_at_temperature_one_every_row_comes_once(sizes: dict[str, int]) -> None:
    assert set(repeats(sizes, 1).values()) == {1}


@given(st.integers(1, 10**6), st.integers(1, 10**6), TEMPERATURES)
def test_sizes_come_to_stand_as_their_roots(first: int, second: int, temperature: float) -> None:
    found = repeats({"a": first, "b": second}, temperature)
    assert found["a"] * first / (found["b"] * second) == pytest.approx(
        (first / second) ** (1 / temperature)
    )


@given(st.integers(0, KEYS - 1), st.floats(1, 50))
def test_a_row_comes_as_often_as_the_average_says_or_once_more(key: int, repeat: float) -> None:
    assert 1 + copies_of(key, repeat) in {int(repeat), int(repeat) + (repeat % 1 > 0)}


def test_the_share_of_rows_that_come_once_more_is_the_fraction() -> None:
    numbers = [copies_of(copy_key(n, 1), 2.25) for n in range(8000)]
    assert sum(numbers) / len(numbers) == pytest.approx(1.25, abs=0.02)


def test_copies_have_keys_of_their_own_and_say_the_same() -> None:
    table = rows(de=40, hi=10)
    found = copies(table, repeats({"en-de": 40, "en-hi": 10}, 1000.0))
    assert found.schema == KEYED_SCHEMA
    assert set(language_pairs(found)) == {"en-hi"}
    assert set(Counter(found["target"].to_pylist()).values()) <= {2, 3}
    keys = found["key"].to_pylist()
    assert keys == sorted(set(keys))
    assert not set(keys) & set(row_keys(table))


def test_copies_fall_into_the_buckets_of_their_keys(tmp_path: Path) -> None:
    found = copies(rows(hi=30), {"en-hi": 3.5})
    write_batches(in_buckets(found, 7), tmp_path / "0.arrow", KEYED_SCHEMA)
    buckets = [read_bucket([tmp_path / "0.arrow"], bucket, KEYED_SCHEMA) for bucket in range(7)]
    for place, bucket in enumerate(buckets):
        assert {bucket_of(key, 7) for key in bucket["key"].to_pylist()} <= {place}
    assert pa.concat_tables(buckets).to_pylist() == found.to_pylist()


@given(st.integers(0, 20), st.integers(0, 20), st.floats(1, 4))
def test_rows_and_copies_stand_together_in_key_order(de: int, hi: int, repeat: float) -> None:
    table = rows(de=de, hi=hi)
    found = copies(table, {"en-hi": repeat})
    both = with_copies(table, found)
    assert both.schema == ALIGNED_SCHEMA
    wanted = Counter(table["target"].to_pylist()) + Counter(found["target"].to_pylist())
    assert Counter(both["target"].to_pylist()) == wanted
    own = dict(zip(table["target"].to_pylist(), row_keys(table), strict=True))
    keyed = Counter(zip(found["target"].to_pylist(), found["key"].to_pylist(), strict=True))
    keyed.update(own.items())
    assert both["target"].to_pylist() == [target for target, _ in sorted(keyed, key=lambda x: x[1])]
