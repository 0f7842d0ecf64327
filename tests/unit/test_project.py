"""Projection of spans through word links."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.project import CUT_SHORT, Reason, project
from clism_ray.corpus.words import side
from clism_ray.records import SpanPair


def one(
    span: tuple[int, int],
    source: str,
    target: str,
    links: set[tuple[int, int]],
    trust: float = 1.0,
    max_words: int = 10,
    function_words: tuple[set[int], set[int]] = (set(), set()),
    unknown: str = "",
) -> SpanPair | Reason:
    sides = side(source), side(target)
    known = {word: dict[str, float]() for word in source.lower().split()}
    for word in unknown.split():
        del known[word]
    flags = tuple(
        [n in places for n in range(len(text.words))]
        for text, places in zip(sides, function_words, strict=True)
    )
    alignment = Alignment(dict.fromkeys(links, trust), (flags[0], flags[1]), known.get)
    return project([Span(*span, "name")], *sides, alignment, max_words)[0]


def test_a_span_becomes_the_target_words_from_its_first_link_to_its_last() -> None:
    outcome = one((1, 3), "the Central Bank", "die Bank der Zentrale", {(0, 0), (1, 3), (2, 1)})
    assert outcome == SpanPair(4, 16, 4, 21, "name", 0.8)  # "der" is linked to nothing


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        (set(), "not_linked"),
        ({(0, 1)}, "not_linked"),
        ({(1, 0)}, "not_linked"),  # nothing for "c"
        ({(1, 0), (2, 2), (0, 1)}, "not_contiguous"),
        ({(1, 1), (2, 1), (0, 1)}, "not_contiguous"),
        ({(1, 0), (2, 3)}, "answer_too_long"),
    ],
)
def test_a_span_without_a_counterpart_has_a_reason(
    links: set[tuple[int, int]], reason: str
) -> None:
    assert one((1, 3), "a b c", "d e f g", links, max_words=3) == reason


def test_a_span_of_words_nothing_is_known_to_translate_is_an_unknown_word() -> None:
    assert one((0, 1), "Zork", "Florp", set(), unknown="zork") == "unknown_word"
    assert one((0, 2), "Zork house", "Florp", {(0, 0)}, unknown="zork") == "not_linked"
    assert one((0, 1), "Zork", ".", {(0, 0)}, unknown="zork") == "not_linked"
    assert one((0, 1), "Zork", "Florp", {(0, 0)}, trust=0.0) == "unknown_word"


def test_the_score_is_the_mean_trust_in_all_words_of_both_sides() -> None:
    outcome = one((0, 2), "a b", "c d e", {(0, 0), (1, 2)}, trust=0.5)
    assert isinstance(outcome, SpanPair)
    assert outcome.score == pytest.approx(4 * 0.5 / 5)


def test_function_words_are_left_out_of_the_score() -> None:
    links, function_words = {(0, 0), (1, 1), (2, 3)}, ({1}, {1, 2})
    texts = "Leader of Opposition", "chef de le opposition"
    outcome = one((0, 3), *texts, links, trust=0.5)
    assert isinstance(outcome, SpanPair)
    assert outcome.score == pytest.approx(6 * 0.5 / 7, abs=1e-4)
    outcome = one((0, 3), *texts, links, trust=0.5, function_words=function_words)
    assert isinstance(outcome, SpanPair)
    assert outcome.score == 0.5


def test_a_span_needs_a_link_of_each_word_but_function_words() -> None:
    texts, links = ("Standing Committee on Rules", "comité permanent de règles"), {(1, 0), (3, 3)}
    assert one((0, 4), *texts, links) == "not_linked"
    assert one((0, 4), *texts, {*links, (0, 1)}) == "not_linked"
    assert one((0, 4), *texts, {*links, (0, 1)}, unknown="on") == "unknown_word"
    assert isinstance(one((0, 4), *texts, {*links, (0, 1)}, function_words=({2}, set())), SpanPair)


def test_characters_without_a_link_may_belong_to_the_words_beside_them() -> None:
    links = {(0, 1), (1, 2), (2, 0)}
    assert one((0, 2), "Karen Vonso was", "是卡伦沃", links) == "not_linked"
    outcome = one((0, 2), "Karen Vonso was", "是卡伦。", links)
    assert isinstance(outcome, SpanPair)
    assert (outcome.target_start, outcome.target_end) == (1, 3)


@pytest.mark.parametrize(
    ("span", "source", "links", "answer"),
    [
        ((0, 4), "leader of the opposition", {(0, 1), (2, 0), (3, 4)}, "chef de le opposition"),
        ((0, 3), "the opposition leader", {(0, 0), (1, 4), (2, 1)}, "le chef de le opposition"),
        ((0, 1), "the", {(0, 3)}, "le"),
    ],
)
def test_function_words_end_a_counterpart_only_where_they_end_the_span(
    span: tuple[int, int], source: str, links: set[tuple[int, int]], answer: str
) -> None:
    function_words = ({n for n, word in enumerate(source.split()) if word in "of the"}, {0, 2, 3})
    target = "le chef de le opposition"
    outcome = one(span, source, target, links, function_words=function_words)
    assert isinstance(outcome, SpanPair)
    assert target[outcome.target_start : outcome.target_end] == answer


def test_punctuation_neither_links_nor_counts() -> None:
    outcome = one((0, 3), "Jean-Luc", "«Jean-Luc»", {(0, 1), (1, 0), (1, 2), (2, 3)})
    assert outcome == SpanPair(0, 8, 1, 9, "name", 1.0)


@st.composite
def sentences_with_links(draw: st.DrawFn) -> tuple[list[Span], int, int, Alignment]:
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    cuts = sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=6)))
    spans = [Span(a, b, "x") for a, b in pairwise(cuts)]
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    trust = draw(st.dictionaries(pairs, st.floats(0.01, 1)))
    return spans, n, m, Alignment(trust)


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
        for i, j in alignment.trust:
            assert (span.first <= i < span.end) == (first <= j <= last)
        assert not taken & set(range(first, last + 1))
        taken |= set(range(first, last + 1))


@pytest.mark.parametrize(
    ("trust", "outcome"), [(CUT_SHORT, "not_contiguous"), (CUT_SHORT - 0.01, (2, 3))]
)
def test_without_spaces_no_character_that_the_sample_gives_to_the_span_stands_beside_it(
    trust: float, outcome: str | tuple[int, int]
) -> None:
    sides = side("in China"), side("在中国")
    links = {(0, 0): 1.0, (0, 1): 1.0, (1, 2): 1.0}  # the aligner gives 中 to "in"
    alignment = Alignment(links, known={"in": {}, "china": {"国": 0.9, "中": trust}}.get)
    (found,) = project([Span(1, 2, "name")], *sides, alignment, max_words=10)
    assert outcome == (found if isinstance(found, str) else (found.target_start, found.target_end))


def test_without_spaces_a_character_beside_an_answer_that_has_it_already_is_another_one() -> None:
    sides = side("America China"), side("美国中国")
    links = {(0, 0): 1.0, (0, 1): 1.0, (1, 2): 1.0, (1, 3): 1.0}
    known = {"america": {"美": 0.9, "国": 0.9}, "china": {"中": 0.9, "国": 0.9}}
    spans = [Span(0, 1, "name"), Span(1, 2, "name")]
    found = project(spans, *sides, Alignment(links, known=known.get), max_words=10)
    assert [isinstance(outcome, SpanPair) for outcome in found] == [True, True]
