"""Projection of spans through word links."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.project import Reason, Side, project
from clism_ray.corpus.words import surfaces, words
from clism_ray.records import SpanPair


def side(text: str) -> Side:
    return Side(text, words(text), surfaces(text))


def one(
    span: tuple[int, int],
    source: str,
    target: str,
    links: set[tuple[int, int]],
    evidence: float = 1.0,
    max_words: int = 10,
) -> SpanPair | Reason:
    sides = side(source), side(target)
    alignment = Alignment(frozenset(links), (evidence,) * len(sides[0].words))
    return project([Span(*span, "name")], *sides, alignment, max_words)[0]


def test_a_span_becomes_the_target_words_from_its_first_link_to_its_last() -> None:
    outcome = one((1, 3), "the Central Bank", "die Bank der Zentrale", {(0, 0), (1, 3), (2, 1)})
    assert outcome == SpanPair(4, 16, 4, 21, "name", 0.8)  # "der" is linked to nothing


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        (set(), "not_linked"),
        ({(0, 1)}, "not_linked"),
        ({(1, 0), (2, 2), (0, 1)}, "not_contiguous"),
        ({(1, 1), (0, 1)}, "not_contiguous"),
        ({(1, 0), (2, 3)}, "answer_too_long"),
    ],
)
def test_a_span_without_a_counterpart_has_a_reason(
    links: set[tuple[int, int]], reason: str
) -> None:
    assert one((1, 3), "a b c", "d e f g", links, max_words=3) == reason


def test_a_span_that_rests_on_nothing_known_is_an_unknown_word() -> None:
    assert one((0, 1), "Zork", "Florp", {(0, 0)}, evidence=0.0) == "unknown_word"


def test_the_score_is_the_mean_evidence_of_all_words_of_both_sides() -> None:
    outcome = one((0, 2), "a b", "c d e", {(0, 0), (0, 2)}, evidence=0.5)
    assert isinstance(outcome, SpanPair)
    assert outcome.score == pytest.approx(3 * 0.5 / 5)


def test_a_span_keeps_the_confidence_of_its_finder() -> None:
    alignment = Alignment(frozenset({(0, 0)}), (1.0,))
    (outcome,) = project([Span(0, 1, "GPE", 0.4)], side("Rome"), side("Rom"), alignment, 10)
    assert outcome == SpanPair(0, 4, 0, 3, "GPE", 1.0, 0.4)


def test_punctuation_neither_links_nor_counts() -> None:
    outcome = one((0, 3), "Jean-Luc", "«Jean-Luc»", {(0, 1), (1, 0), (1, 2), (2, 3)})
    assert outcome == SpanPair(0, 8, 1, 9, "name", 1.0)


@st.composite
def sentences_with_links(draw: st.DrawFn) -> tuple[list[Span], int, int, Alignment]:
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    cuts = sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=6)))
    spans = [Span(a, b, "x") for a, b in pairwise(cuts)]
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    evidence = draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    return spans, n, m, Alignment(frozenset(draw(st.sets(pairs))), tuple(evidence))


@given(sentences_with_links())
def test_counterparts_are_consistent_disjoint_and_scored_between_0_and_1(
    drawn: tuple[list[Span], int, int, Alignment],
) -> None:
    spans, n, m, alignment = drawn
    source, target = side(" ".join("s" * n)), side(" ".join("t" * m))
    outcomes = project(spans, source, target, alignment, max_words=m)
    taken: set[int] = set()
    for span, outcome in zip(spans, outcomes, strict=True):
        if isinstance(outcome, str):
            continue
        assert 0 <= outcome.score <= 1
        first, last = outcome.target_start // 2, (outcome.target_end - 1) // 2
        for i, j in alignment.links:
            assert (span.first <= i < span.end) == (first <= j <= last)
        assert not taken & set(range(first, last + 1))
        taken |= set(range(first, last + 1))
