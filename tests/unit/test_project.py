"""Projection of spans through word links."""

from itertools import accumulate, pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.capitals import Span
from clism_ray.corpus.project import CUT_SHORT, MIN_SCORE, Outcome, project
from clism_ray.corpus.sides import side
from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import is_punctuation, is_unspaced, length_in_words
from clism_ray.records import SpanPair
from tests.alignments import alignment
from tests.sides import of_words


def one(
    span: tuple[int, int],
    source: str,
    target: str,
    links: set[tuple[int, int]],
    trust: float = 1.0,
    max_words: int = 10,
    function_words: tuple[str, str] = ("", ""),
    unknown: str = "",
) -> Outcome:
    sides = side([source]), side([target])
    known = set(source.lower().split()).difference(unknown.split())
    aligned = alignment(
        *sides,
        [dict.fromkeys(links, trust)],
        (function_words[0].split(), function_words[1].split()),
        {word: {} for word in known},
    )
    ((outcome,),) = project([[Span(*span, "name")]], *sides, aligned, max_words)
    return outcome


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
        ({(1, 0), (2, 2), (3, 1)}, "not_contiguous"),
        ({(1, 0), (2, 3)}, "answer_too_long"),
    ],
)
def test_a_span_without_a_counterpart_has_a_reason(
    links: set[tuple[int, int]], reason: str
) -> None:
    assert one((1, 3), "a b c h", "d e f g", links, max_words=3) == reason


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
    links, function_words = {(0, 0), (1, 1), (2, 3)}, ("of", "de le")
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
    assert isinstance(one((0, 4), *texts, {*links, (0, 1)}, function_words=("on", "")), SpanPair)


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
    target = "le chef de le opposition"
    outcome = one(span, source, target, links, function_words=("of the", "le de"))
    assert isinstance(outcome, SpanPair)
    assert target[outcome.target_start : outcome.target_end] == answer


def test_characters_of_another_pair_do_not_stand_beside_a_counterpart() -> None:
    sides = side(["x", "Anna", "x"]), side(["中国", "Anna", "中国"])
    aligned = alignment(*sides, [{}, {(0, 0): 1.0}, {}])
    _, (found,), _ = project([[], [Span(0, 1, "name")], []], *sides, aligned, max_words=10)
    assert found == SpanPair(0, 4, 0, 4, "name", 1.0)


def test_punctuation_neither_links_nor_counts() -> None:
    outcome = one((0, 3), "Jean-Luc", "«Jean-Luc»", {(0, 1), (1, 0), (1, 2), (2, 3)})
    assert outcome == SpanPair(0, 8, 1, 9, "name", 1.0)


WORDS = ["a", "A", "b", "of", "the", ".", "—", "中", "国"]
FUNCTION_WORDS = {"of", "the"}
LEXICON = {
    "a": {"b": 0.9, "中": CUT_SHORT},
    "of": {},
    "the": {},
    "中": {"国": 0.9, "中": CUT_SHORT - 0.01},
}
MAX_WORDS = 3


class Case(NamedTuple):
    """A pair, its links and the spans that are asked."""

    source: list[str]
    target: list[str]
    trust: dict[Link, float]
    spans: list[Span]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    words = st.lists(st.sampled_from(WORDS), max_size=8)
    source, target = draw(words), draw(words)
    cuts = sorted(draw(st.sets(st.integers(0, len(source)), max_size=6)))
    pairs = [(i, j) for i in range(len(source)) for j in range(len(target))]
    trust = draw(st.dictionaries(st.sampled_from(pairs), st.floats(0, 1))) if pairs else {}
    return Case(source, target, trust, [Span(a, b, "x") for a, b in pairwise(cuts)])


def projected(pairs: list[Case]) -> list[list[Outcome]]:
    source, target = (of_words([pair[n] for pair in pairs]) for n in (0, 1))
    trust = [pair.trust for pair in pairs]
    aligned = alignment(source, target, trust, (FUNCTION_WORDS, FUNCTION_WORDS), LEXICON)
    return project([pair.spans for pair in pairs], source, target, aligned, MAX_WORDS)


@given(st.lists(cases(), max_size=4))
def test_spans_are_projected_as_a_plain_reading_of_the_rules_says(pairs: list[Case]) -> None:
    for pair, outcomes in zip(pairs, projected(pairs), strict=True):
        for span, outcome in zip(pair.spans, outcomes, strict=True):
            if isinstance(outcome, str):
                assert outcome == plainly(pair, span)
            else:
                text, places = " ".join(pair.target), (outcome.target_start, outcome.target_end)
                answer, score = plainly(pair, span)
                assert text[slice(*places)] == answer
                assert outcome.score == pytest.approx(float(score), abs=1e-4)


def plainly(pair: Case, span: Span) -> tuple[str, float] | str:
    """The answer and its score, or why there is none."""
    links = {
        (i, j): value
        for (i, j), value in pair.trust.items()
        if not (is_punctuation(pair.source[i]) or is_punctuation(pair.target[j]))
    }
    inside = counted(pair.source, range(span.first, span.end))
    unlinked = [i for i in inside if not any(i == other for other, _ in links)]
    known = [pair.source[i].lower() in LEXICON or i in {i for i, _ in pair.trust} for i in unlinked]
    if not all(known):
        return "unknown_word"
    linked = {j for i, j in links if span.first <= i < span.end}
    if unlinked or not linked:
        return "not_linked"
    if is_content(pair.source[span.first]) and is_content(pair.source[span.end - 1]):
        linked = {j for j in linked if is_content(pair.target[j])} or linked
    answer = range(min(linked), max(linked) + 1)
    if any(j in answer and not span.first <= i < span.end for i, j in links):
        return "not_contiguous"
    near = [j for j in (answer.start - 1, answer.stop) if 0 <= j < len(pair.target)]
    near = [j for j in near if is_unspaced(pair.target[j])]
    if any(all(j != other for _, other in links) for j in near):
        return "not_linked"
    words = pair.target[answer.start : answer.stop]
    for character in {pair.target[j] for j in near}.difference(words):
        known_of = [LEXICON.get(pair.source[i].lower(), {}) for i in inside]
        if any(translations.get(character, 0) >= CUT_SHORT for translations in known_of):
            return "not_contiguous"
    if length_in_words(" ".join(words), len(words)) > MAX_WORDS:
        return "answer_too_long"
    best = [max(v for (i, _), v in links.items() if i == n) for n in inside]
    for n in counted(pair.target, answer):
        best.append(max((v for (_, j), v in links.items() if j == n), default=0.0))
    score = sum(best) / len(best)
    return (" ".join(words), score) if score >= MIN_SCORE else "unknown_word"


def counted(words: list[str], places: range) -> list[int]:
    content = [n for n in places if is_content(words[n])]
    return content or [n for n in places if not is_punctuation(words[n])]


def is_content(word: str) -> bool:
    return not (is_punctuation(word) or word in FUNCTION_WORDS)


@given(st.lists(cases(), max_size=4))
def test_counterparts_are_consistent_disjoint_and_scored_between_0_and_1(
    pairs: list[Case],
) -> None:
    for pair, outcomes in zip(pairs, projected(pairs), strict=True):
        ends = list(accumulate((len(word) + 1 for word in pair.target), initial=0))
        taken: set[int] = set()
        for span, outcome in zip(pair.spans, outcomes, strict=True):
            if isinstance(outcome, str):
                continue
            assert 0 <= outcome.score <= 1
            first, end = ends.index(outcome.target_start), ends.index(outcome.target_end + 1)
            for i, j in pair.trust:
                if not (is_punctuation(pair.source[i]) or is_punctuation(pair.target[j])):
                    assert span.first <= i < span.end or not first <= j < end
                if is_content(pair.source[i]) and is_content(pair.target[j]):
                    assert (span.first <= i < span.end) == (first <= j < end)
            assert not taken & set(range(first, end))
            taken |= set(range(first, end))


@pytest.mark.parametrize(
    ("trust", "outcome"), [(CUT_SHORT, "not_contiguous"), (CUT_SHORT - 0.01, (2, 3))]
)
def test_without_spaces_no_character_that_the_sample_gives_to_the_span_stands_beside_it(
    trust: float, outcome: str | tuple[int, int]
) -> None:
    sides = side(["in China"]), side(["在中国"])
    links = {(0, 0): 1.0, (0, 1): 1.0, (1, 2): 1.0}  # the aligner gives 中 to "in"
    known = {"in": {}, "china": {"国": 0.9, "中": trust}}
    aligned = alignment(*sides, [links], translations=known)
    ((found,),) = project([[Span(1, 2, "name")]], *sides, aligned, max_words=10)
    assert outcome == (found if isinstance(found, str) else (found.target_start, found.target_end))


def test_without_spaces_a_character_beside_an_answer_that_has_it_already_is_another_one() -> None:
    sides = side(["America China"]), side(["美国中国"])
    links = {(0, 0): 1.0, (0, 1): 1.0, (1, 2): 1.0, (1, 3): 1.0}
    known = {"america": {"美": 0.9, "国": 0.9}, "china": {"中": 0.9, "国": 0.9}}
    aligned = alignment(*sides, [links], translations=known)
    spans = [Span(0, 1, "name"), Span(1, 2, "name")]
    (found,) = project([spans], *sides, aligned, max_words=10)
    assert [isinstance(outcome, SpanPair) for outcome in found] == [True, True]
