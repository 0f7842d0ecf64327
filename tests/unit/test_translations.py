"""What the links of a sample tell of words."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus import translations as module
from clism_ray.corpus.translations import LinkedPair, count_links, translations, words_of_names


def frequency(linked: list[LinkedPair]) -> tuple[Counter[str], Counter[str]]:
    return (
        Counter(word for source, _, _ in linked for word in source),
        Counter(word for _, target, _ in linked for word in target),
    )


HOUSE: LinkedPair = (["the", "house"], ["das", "haus"], [(0, 0), (1, 1)])
HOME: LinkedPair = (["the", "house"], ["zu", "hause"], [(1, 1)])


def test_trust_is_the_links_but_one_over_the_occurrences_of_the_rarer_word() -> None:
    linked = [HOUSE, HOUSE, HOUSE, HOME]
    found = translations(count_links(linked, frequency(linked)), frequency(linked))
    assert found == {"the": {"das": 0.6667}, "house": {"haus": 0.6667}}  # hause once: nothing


def test_words_linked_to_names_are_names() -> None:
    linked: list[LinkedPair] = [
        (["tom", "house"], ["توم", "بيت"], [(0, 0), (1, 1)]),
        (["tom", "house"], ["توم", "بيت"], [(0, 0), (0, 1), (1, 1)]),
        (["tom", "house"], ["توم", "بيت"], [(0, 0), (1, 1)]),
    ]
    assert words_of_names(count_links(linked, frequency(linked)), {"tom"}) == {"توم"}


@st.composite
def linked_pairs(draw: st.DrawFn) -> list[LinkedPair]:
    sentence = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)
    pairs = []
    for _ in range(draw(st.integers(1, 6))):
        source, target = draw(sentence), draw(sentence)
        places = st.tuples(st.integers(0, len(source) - 1), st.integers(0, len(target) - 1))
        pairs.append((source, target, draw(st.sets(places))))
    return pairs


@given(linked_pairs())
def test_links_are_counted_each_once_whatever_is_held(linked: list[LinkedPair]) -> None:
    expected = Counter((s[i], t[j]) for s, t, links in linked for i, j in links)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_HELD", 2)
        counts = count_links(linked, frequency(linked))
    assert dict(zip(zip(*counts[:2], strict=True), counts.numbers, strict=True)) == expected
    for source, translated in translations(counts, frequency(linked)).items():
        for target, trust in translated.items():
            assert expected[source, target] > 1
            assert 0 < trust <= 1
