"""From tags to spans of whole words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.capitals import Span
from clism_ray.tasks.span_tags import WordTag, first_tokens, spans_of


def spans(tags: str) -> list[tuple[int, int, str]]:
    found = spans_of([WordTag(tag, 1.0, place) for place, tag in enumerate(tags.split())])
    return [span[:3] for span in found]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", []),
        ("B-PER I-PER O B-PER", [(0, 2, "PER"), (3, 4, "PER")]),
        ("B-PER B-PER I-LOC", [(0, 1, "PER"), (1, 2, "PER"), (2, 3, "LOC")]),
        ("I-PER I-PER B-PER", [(0, 2, "PER"), (2, 3, "PER")]),  # IOB1
        ("B-PER I-PER E-PER S-PER S-PER", [(0, 3, "PER"), (3, 4, "PER"), (4, 5, "PER")]),
        ("U-LOC B-LOC L-LOC I-LOC", [(0, 1, "LOC"), (1, 3, "LOC"), (3, 4, "LOC")]),
        ("PER PER LOC O LOC", [(0, 2, "PER"), (2, 3, "LOC"), (4, 5, "LOC")]),
        ("B-work-of-art I-work-of-art", [(0, 2, "work-of-art")]),
        ("E-PER", [(0, 1, "PER")]),
    ],
)
def test_tags_of_any_scheme_make_spans(tags: str, expected: list[tuple[int, int, str]]) -> None:
    assert spans(tags) == expected


def test_confidence_is_the_mean_probability_of_the_tags() -> None:
    tags = [WordTag("B-PER", 0.9, 0), WordTag("I-PER", 0.6, 3), WordTag("O", 0.1, 5)]
    assert spans_of(tags) == [Span(0, 2, "PER", 0.75)]


def test_words_that_share_a_token_are_one_span() -> None:
    tags = [WordTag("B-LOC", 0.8, 0), WordTag("B-LOC", 0.8, 0), WordTag("B-LOC", 0.6, 2)]
    assert [span[:2] for span in spans_of(tags)] == [(0, 2), (2, 3)]


def test_words_without_a_token_are_outside() -> None:
    tags = [WordTag("PER", 1.0, 0), WordTag("O", 1.0, -1), WordTag("O", 1.0, -1)]
    assert [span[:2] for span in spans_of(tags)] == [(0, 1)]


@pytest.mark.parametrize(
    ("tokens", "words", "expected"),
    [
        ([(0, 0), (0, 3), (3, 5), (5, 6), (0, 0)], [(0, 5), (5, 6)], [1, 3]),
        ([(0, 2), (2, 5), (5, 7)], [(0, 2), (3, 4), (4, 7)], [0, 1, 1]),  # a space before a word
        ([(0, 0), (4, 6), (0, 0)], [(0, 3), (4, 6), (7, 9)], [-1, 1, -1]),  # a later window
        ([(0, 1), (0, 3), (3, 4)], [(0, 1), (1, 2), (2, 3), (3, 4)], [1, 1, 1, 2]),  # a lone mark
        ([(0, 1), (0, 1), (1, 2)], [(0, 1), (1, 2)], [0, 2]),  # bytes of one character
        ([], [(0, 1)], [-1]),
    ],
)
def test_the_first_token_of_a_word_is_the_first_that_holds_part_of_it(
    tokens: list[tuple[int, int]], words: list[tuple[int, int]], expected: list[int]
) -> None:
    assert first_tokens(tokens, words) == expected


places = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=12)


def _laid_out(gaps_and_sizes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    at, found = 0, []
    for gap, size in gaps_and_sizes:
        found.append((at + gap, at + gap + size))
        at += gap + size
    return found


@given(places, places)
def test_first_tokens_are_those_of_a_search_by_hand(
    tokens: list[tuple[int, int]], words: list[tuple[int, int]]
) -> None:
    tokens, words = _laid_out(tokens), _laid_out(words)
    by_hand = [
        next((n for n, (a, b) in enumerate(tokens) if a < end and start < b), -1)
        for start, end in words
    ]
    assert first_tokens(tokens, words) == by_hand
