"""Word links, from anchors and from alignment tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.align import align, is_no_stray
from clism_ray.corpus.alike_names import alike_names
from clism_ray.corpus.anchors import anchors
from clism_ray.corpus.links import links_of
from clism_ray.corpus.sides import side
from clism_ray.corpus.tables import Tables, fit, open_tables
from clism_ray.corpus.vocabulary import Vocabulary
from clism_ray.corpus.words import surfaces
from tests.sides import of_words

NOUNS = {"house": "haus", "tree": "baum", "dog": "hund", "book": "buch", "child": "kind"}
ADJECTIVES = {"small": "klein", "big": "gross", "old": "alt", "new": "neu"}
PAIRS = [
    pair
    for noun, german_noun in NOUNS.items()
    for adjective, german_adjective in ADJECTIVES.items()
    for pair in (
        (f"The {noun} is {adjective}.", f"{german_adjective} ist das {german_noun}."),
        (f"A {noun}.", f"Ein {german_noun}."),
        (f"It is {adjective}.", f"Es ist {german_adjective}."),
    )
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("tables")
    fit(PAIRS, folder, iterations=5)
    return open_tables(folder)


def aligned(tables: Tables, source: str, target: str) -> dict[tuple[int, int], float]:
    sides = side([source]), side([target])
    (found,) = align(tables, *sides).links.by_pair(*sides)
    return found


def links(tables: Tables, source: str, target: str) -> set[tuple[str, str]]:
    words = surfaces(source), surfaces(target)
    return {(words[0][i], words[1][j]) for i, j in aligned(tables, source, target)}


def test_words_are_linked_across_another_order(tables: Tables) -> None:
    found = links(tables, "The dog is old.", "Alt ist das Hund.")
    assert {("dog", "Hund"), ("old", "Alt")} <= found


def test_links_are_trusted_as_far_as_the_sample_shows(tables: Tables) -> None:
    trust = aligned(tables, "The dog met Zork in Paris", "Das Hund traf Florp in Paris")
    assert trust[5, 5] == 1
    assert 0.7 < trust[1, 1] < 1
    assert not [link for link in trust if 2 in link or 3 in link]


def test_pairs_are_linked_together_as_each_alone(tables: Tables) -> None:
    texts = [*PAIRS, ("", "Hund"), ("Tom and Ann", "Ann und Tom"), ("France", "फ्रान्स"), ("", "")]
    sides = side([source for source, _ in texts]), side([target for _, target in texts])
    together = align(tables, *sides).links.by_pair(*sides)
    assert together == [aligned(tables, *pair) for pair in texts]


def test_a_name_is_linked_to_a_word_that_sounds_alike(tables: Tables) -> None:
    assert links(tables, "France is old", "alt ist फ्रान्स") >= {("France", "फ्रान्स")}
    assert links(tables, "the frantic dog", "Hund Frantik") == {("dog", "Hund")}


@pytest.mark.parametrize(
    ("linked", "function_words", "expected"),
    [
        ({}, ((), ()), {(0, 1): 1.0, (2, 0): 0.75}),
        ({(0, 1): 1.0}, ((), ()), {(2, 0): 0.75}),
        ({(1, 0): 1.0}, ((), ()), {(0, 1): 1.0}),
        ({}, (("merlins", "berlin"), ()), {}),
        ({}, ((), ("мерлин", "мерлинс")), {}),
    ],
)
def test_of_words_that_sound_alike_each_is_linked_once_the_most_alike_first(
    linked: dict[tuple[int, int], float],
    function_words: tuple[tuple[str, ...], tuple[str, ...]],
    expected: dict[tuple[int, int], float],
) -> None:
    source, target = side(["Merlins saw Berlin"]), side(["Мерлин Мерлинс"])
    features = Vocabulary(function_words).features(source.words_W, target.words_W)
    found = alike_names(source, target, *features, links_of([linked], source, target), np.arange(1))
    assert found.by_pair(source, target) == [expected]


def test_names_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch may have far more names, each with each free word, than fit in memory."""
    texts = ["Merlins saw Berlin", "nothing", "", "Moscow and London, Paris", "Warsaw"]
    others = ["Мерлин Мерлинс", "", "x", "Париж, Лондон и Москва", "Варшава Москва"]
    source, target = side(texts), side(others)
    features = Vocabulary().features(source.words_W, target.words_W)
    unlinked = links_of([{}] * 5, source, target)
    found = []
    for most in (100_000, 4, 1):
        monkeypatch.setattr("clism_ray.corpus.alike_names._AT_ONCE", most)
        links = alike_names(source, target, *features, unlinked, np.arange(5))
        found.append(links.by_pair(source, target))
    assert found[0] == found[1] == found[2]
    assert [len(of_pair) for of_pair in found[0]] == [2, 0, 0, 3, 1]


def test_an_anchor_takes_its_words_out_of_the_tables_links(tables: Tables) -> None:
    found = links(tables, "Paris is old 1,000.5", "1.000,5 ist Paris")
    assert {pair for pair in found if "Paris" in pair} == {("Paris", "Paris")}
    assert {pair for pair in found if "1,000.5" in pair} == {("1,000.5", "1.000,5")}


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("in 2009", "२००९ में", {(1, 0)}),
        ("to die", "zu die", set()),  # too short a word to prove anything
        ("The A and", "The A and", set()),  # stop words
        ("Tom saw Tom", "Tom sah Tom", {(0, 0), (2, 2)}),
        ("Tom saw Tom", "Tom sah ihn", set()),  # which of the two?
        ("email", "Email", {(0, 0)}),
        ("A4 5", "a4 5", {(0, 0), (1, 1)}),
        ("5 %", "5 %", {(0, 0)}),
        ("version 2.0 and 20", "20 und 2.0", {(1, 2), (3, 0)}),
        ("10:30 1,000 1.5 15", "15 1,5 1.000 10.30", {(0, 3), (1, 2), (2, 1), (3, 0)}),
        ("three of six", "6 und 3", {(0, 2), (2, 0)}),
        ("10 or ten", "10 of tien", {(0, 0)}),
        ("ten", "ten", set()),  # "to the" in Dutch
    ],
)
def test_anchors_are_equal_words_that_prove_something(
    source: str, target: str, expected: set[tuple[int, int]]
) -> None:
    assert anchored([(surfaces(source), surfaces(target))]) == [expected]


def anchored(pairs: list[tuple[list[str], list[str]]]) -> list[set[tuple[int, int]]]:
    source, target = of_words([pair[0] for pair in pairs]), of_words([pair[1] for pair in pairs])
    features = Vocabulary().features(source.words_W, target.words_W)
    return [set(found) for found in anchors(source, target, *features).by_pair(source, target)]


WORDS = st.lists(st.sampled_from(["Anna", "ANNA", "Berlin", "three", "3", "3.", "the", ".", "x"]))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))
def test_what_stands_equally_often_on_both_sides_is_linked_in_order(
    pairs: list[tuple[list[str], list[str]]],
) -> None:
    assert anchored(pairs) == [plainly_anchored(*pair) for pair in pairs]


def plainly_anchored(source: list[str], target: list[str]) -> set[tuple[int, int]]:
    expected: set[tuple[int, int]] = set()
    sides = source, target
    for same in ({"Anna", "ANNA"}, {"Berlin"}, {"3", "3."}):
        places = [[n for n, word in enumerate(side) if word in same] for side in sides]
        if "3" in same and not places[0]:
            places[0] = [n for n, word in enumerate(source) if word == "three"]
        if len(places[0]) == len(places[1]):
            for word in sorted(same & {"3", "3."}):  # numbers that are written alike
                alike = [[n for n in places[k] if side[n] == word] for k, side in enumerate(sides)]
                pairs = list(zip(*alike, strict=False))
                expected.update(pairs)
                places = [[n for n in places[k] if n not in {p[k] for p in pairs}] for k in (0, 1)]
            expected.update(zip(*places, strict=True))
    return expected


@pytest.mark.parametrize(
    ("links", "kept"),
    [
        ({(1, 0), (1, 1)}, {(1, 1)}),  # "Senate" is no "le"
        ({(0, 0), (0, 1), (1, 1)}, {(0, 0), (1, 1)}),  # nor is "the" a "Sénat"
        ({(1, 0)}, set()),
        ({(0, 1)}, {(0, 1)}),
    ],
)
def test_function_words_lose_stray_links_to_content_words(
    links: set[tuple[int, int]], kept: set[tuple[int, int]]
) -> None:
    source, target = side(["the Senate"]), side(["le Sénat"])
    found = links_of([dict.fromkeys(links, 1.0)], source, target)
    flags = np.array([True, False])
    (of_pair,) = found.where(is_no_stray(found, flags, flags)).by_pair(source, target)
    assert set(of_pair) == kept
