"""Pairs whose spans anchors decide: no aligner need be asked, and none would say otherwise."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.align import align
from clism_ray.corpus.arrays import Ints
from clism_ray.corpus.capitals import Casing, Span
from clism_ray.corpus.features import Features
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.links import Links, links_of
from clism_ray.corpus.project import Outcome, project
from clism_ray.corpus.sides import Side
from clism_ray.corpus.tables import Tables
from clism_ray.corpus.translations import Link
from clism_ray.corpus.vocabulary import Vocabulary
from tests.sides import of_words

# Anchors, a number that is spelled out, function words, others, a sign, scripts without spaces.
WORDS = ["Anna", "Berlin", "1987", "three", "3", "of", "house", "Haus", "—", "中", "国"]


class Case(NamedTuple):
    """A pair, what the linker says of it, and the spans that are asked."""

    source: list[str]
    target: list[str]
    trust: dict[Link, float] | None  # it cannot read the pair
    spans: list[Span]


class Told:
    """A linker that says what it was told, and notes which pairs it is asked for."""

    batch = 8
    min_trust = 0.1

    def __init__(self, pairs: list[Case], is_independent: bool = True) -> None:
        self.is_independent = is_independent
        self._trust = {(" ".join(p.source), " ".join(p.target)): p.trust for p in pairs}
        self.asked: list[str] = []

    def links(
        self, source: Side, target: Side, features: tuple[Features, Features], pairs: Ints
    ) -> Links:
        texts = [(source.texts[pair], target.texts[pair]) for pair in pairs.tolist()]
        self.asked += [text for text, _ in texts]
        return links_of([self._trust[pair] for pair in texts], source, target, pairs)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    source = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))
    others = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)
    target = draw(others | st.permutations(source))
    cuts = sorted(draw(st.sets(st.integers(0, len(source)), max_size=4)))
    places = [(i, j) for i in range(len(source)) for j in range(len(target))]
    trust = draw(st.dictionaries(st.sampled_from(places), st.floats(0, 1)))
    return Case(source, target, trust, [Span(a, b, "x") for a, b in pairwise(cuts)])


def tables_of(linker: Told) -> Tables:
    lexicon = Lexicon({"house": {"haus": 0.5}})
    vocabulary = Vocabulary((["of"], ["of"]), lexicon)
    return Tables(linker, lexicon, vocabulary, {}, 0, Casing((), ()))


def projected(pairs: list[Case], linker: Told, whole: bool) -> list[list[Outcome]]:
    """The outcomes, by the links of all pairs or of those that anchors leave open."""
    source, target = of_words([pair.source for pair in pairs]), of_words([p.target for p in pairs])
    spans = [pair.spans for pair in pairs]
    alignment = align(tables_of(linker), source, target, None if whole else spans)
    return project(spans, source, target, alignment, max_words=3)


@given(st.lists(cases(), max_size=4, unique_by=lambda pair: (tuple(pair[0]), tuple(pair[1]))))
def test_what_anchors_decide_no_links_change(pairs: list[Case]) -> None:
    assert projected(pairs, Told(pairs), whole=False) == projected(pairs, Told(pairs), whole=True)


@pytest.mark.parametrize(
    ("source", "target", "span", "asked"),
    [
        ("Anna saw Berlin", "Anna sah Berlin", (0, 1), False),
        ("Anna — Berlin saw", "sah Anna — Berlin", (0, 3), False),
        ("three of", "von 3", (0, 1), False),
        ("Anna saw Berlin", "Anna sah Berlin", (1, 2), True),  # nothing links "saw"
        ("Anna saw Berlin", "Anna sah Berlin", (0, 2), True),
        ("Anna of Berlin", "Anna of Berlin", (0, 3), True),  # "of" is no anchor
        ("Anna Berlin", "Anna in Berlin", (0, 2), True),  # who knows whose "in" is
        ("Anna saw", "Anna 中", (0, 1), True),  # it may belong to Anna
    ],
)
def test_only_pairs_that_anchors_leave_open_are_asked_of_the_linker(
    source: str, target: str, span: tuple[int, int], asked: bool
) -> None:
    decided = Case(["1987"], ["1987"], {}, [Span(0, 1, "x")])
    pair = Case(source.split(), target.split(), {(1, 1): 0.9}, [Span(*span, "x")])
    linker = Told([decided, pair])
    projected([decided, pair], linker, whole=False)
    assert linker.asked == [source] * asked
    linker = Told([decided, pair], is_independent=False)
    projected([decided, pair], linker, whole=False)
    assert linker.asked == ["1987", source]


def test_a_pair_that_the_linker_cannot_read_keeps_no_link() -> None:
    span = [Span(0, 1, "x")]
    pairs = [
        Case(["1987"], ["1987"], {}, span),
        Case(["house", "Anna"], ["Anna", "Haus"], None, span),
        Case(["house"], ["Haus"], {(0, 0): 0.5}, span),
    ]
    source, target = of_words([pair.source for pair in pairs]), of_words([p.target for p in pairs])
    links = align(tables_of(Told(pairs)), source, target, [span] * 3).links
    assert links.unread == {1}
    assert links.by_pair(source, target) == [{(0, 0): 1.0}, {}, {(0, 0): 0.5}]
