"""Measures of a prepared corpus: what is counted, and on which rows."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus import measures
from clism_ray.corpus.manifest import FORMAT_VERSION, Manifest, Shard, Window
from clism_ray.corpus.measures import (
    SCORE_BINS,
    measure,
    measure_windows,
    quantile,
    sample,
    shares_from,
)
from clism_ray.records import AlignedPair, Origin, SpanPair
from tests.corpora import tiny_pair, write_tiny_corpus

COUNTS = st.dictionaries(st.integers(0, SCORE_BINS - 1), st.integers(1, 9), min_size=1)


def manifest(train: tuple[Shard, ...], dev: tuple[Shard, ...]) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION, content_hash="", language_pairs=(), train=train, dev=dev,
        licences={}, tables={}, config={},
    )  # fmt: skip


@pytest.mark.parametrize("bound", range(SCORE_BINS))
def test_a_score_that_shards_hold_is_of_the_bin_that_begins_with_it(bound: int) -> None:
    score = float(np.float32(bound / SCORE_BINS))
    pair = AlignedPair(
        0, Origin("c", "f", 1), "en", "de", "a", "b", (SpanPair(0, 1, 0, 1, "x", score),)
    )
    assert measure([pair])["en-de"].scores == {bound: 1}


def test_lengths_labels_scores_and_projections_are_counted_by_language_pair() -> None:
    spans = (
        SpanPair(0, 8, 0, 2, "name", 1.0, 0.5),
        SpanPair(19, 21, 9, 11, "number", 0.62),
    )
    source, target = "New York has, now, 12 bridges.", "纽约现在有，一共，12座桥。"
    pair = AlignedPair(0, Origin("c", "f", 1), "en", "zh", source, target, spans)
    other = AlignedPair(1, Origin("c", "f", 2), "en", "ar", "a b", "ج", ())
    found = measure([pair, pair, other])
    assert list(found) == ["en-ar", "en-zh"]
    chinese = found["en-zh"]
    assert (chinese.pairs, chinese.spans) == (2, 4)
    assert chinese.source_words == {9: 2}
    assert chinese.target_words == {
        8: 2
    }  # 9 characters make 4.5 words, and there are 12 and 3 signs
    assert chinese.span_words == {2: 2, 1: 2}
    assert chinese.answer_words == {1: 4}
    assert chinese.labels == {"name": 2, "number": 2}
    assert chinese.scores == {SCORE_BINS - 1: 2, 12: 2}
    assert chinese.confidences == {10: 2, SCORE_BINS - 1: 2}
    assert chinese.projections == {("New York", "纽约"): 2, ("12", "12"): 2}
    assert (found["en-ar"].pairs, found["en-ar"].spans) == (1, 0)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 400))
def test_windows_are_spread_over_all_and_hold_about_as_many_rows_as_asked(
    rows: list[int], most: int
) -> None:
    shards = tuple(
        Shard(path=f"{number:02}", sha256="", bytes=0, rows_per_group=(count,))
        for number, count in enumerate(rows)
    )
    made = manifest(shards[:-1], shards[-1:])
    chosen = [int(window.path) for window in sample(made, most)]
    if sum(rows) <= most:
        assert chosen == list(range(len(rows)))
    else:
        assert 1 <= len(chosen) <= max(1, len(rows) * most // sum(rows))
        gaps = [later - earlier for earlier, later in pairwise(chosen)]
        assert not gaps or (min(gaps) > 0 and max(gaps) - min(gaps) <= 1)


def test_a_corpus_is_measured_whole_or_by_windows_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_tiny_corpus(tmp_path, 200, dev_rows=40, window_rows=20)
    rows = [tiny_pair(row_id) for row_id in range(240)]
    assert measure_windows(tmp_path, sample(made)) == measure(rows)
    held: list[int] = []
    read = measures.read_rows

    def noted(folder: Path, window: Window, places: range) -> list[AlignedPair]:
        held.append(window.rows)
        return read(folder, window, places)

    monkeypatch.setattr(measures, "read_rows", noted)
    found = measure_windows(tmp_path, sample(made, most=60))
    assert held == [20, 20, 20]
    assert sum(entry.pairs for entry in found.values()) == 60


@given(COUNTS, st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_value_that_covers_the_share(
    counts: dict[int, int], share: float
) -> None:
    values = sorted(Counter(counts).elements())
    found = quantile(Counter(counts), share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)
    assert quantile(Counter(), share) is None


@given(COUNTS)
def test_shares_from_a_bin_on_fall_from_all_to_those_of_the_last(counts: dict[int, int]) -> None:
    shares = shares_from(Counter(counts))
    assert len(shares) == SCORE_BINS
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == counts.get(SCORE_BINS - 1, 0) / sum(counts.values())
