"""An aligned pair survives Arrow."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.records import ALIGNED_SCHEMA, AlignedPair, Origin, SpanPair, from_row, to_row

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
offset = st.integers(0, 1000)
share = st.floats(0, 1, width=32)
spans = st.builds(SpanPair, offset, offset, offset, offset, text, share, share)
aligned_pairs = st.builds(
    AlignedPair,
    row_id=st.integers(0, 2**62),
    origin=st.builds(Origin, text, text, st.integers(1, 2**62)),
    source_language=st.just("en"),
    target_language=st.sampled_from(["de", "zh"]),
    source=text,
    target=text,
    spans=st.lists(spans, max_size=4).map(tuple),
)


@given(st.lists(aligned_pairs, max_size=3))
def test_rows_of_a_table_give_the_pairs_back(pairs: list[AlignedPair]) -> None:
    table = pa.Table.from_pylist([to_row(pair) for pair in pairs], schema=ALIGNED_SCHEMA)
    assert [from_row(row) for row in table.to_pylist()] == pairs


@given(aligned_pairs)
def test_a_row_has_exactly_the_columns_of_the_schema(pair: AlignedPair) -> None:
    assert list(to_row(pair)) == ALIGNED_SCHEMA.names


def test_origins_order_by_corpus_then_file_then_line() -> None:
    first, second, third = Origin("a", "y", 9), Origin("b", "x", 2), Origin("b", "x", 10)
    assert sorted([third, second, first]) == [first, second, third]
