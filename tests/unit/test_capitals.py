"""Names and numbers found by form."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.capitals import (
    NAME,
    NUMBER,
    Casing,
    cases,
    casing,
    names_and_numbers,
)
from clism_ray.corpus.words import surfaces, words

KNOWN = Casing(names={"tom", "jupiter"}, common={"today", "bank", "lest", "unlike"})


def found(text: str, known: Casing = KNOWN) -> list[tuple[str, str]]:
    offsets = words(text)
    return [
        (text[offsets[span.first][0] : offsets[span.end - 1][1]], span.label)
        for span in names_and_numbers(surfaces(text), offsets, known)
    ]


def names(text: str) -> list[str]:
    return [span for span, label in found(text) if label == NAME]


def numbers(text: str) -> list[str]:
    return [span for span, label in found(text) if label == NUMBER]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we met Mary Smith in Boston", ["Mary Smith", "Boston"]),
        ("he left the Bank of England and the Bank", ["Bank of England"]),
        ("in the House of the Lords", ["House of the Lords"]),
        ("so Jean-Luc and O'Brien met J. K. Rowling", ["Jean-Luc", "O'Brien", "J. K. Rowling"]),
        ("Mr. White uses Windows 10", ["Mr. White", "Windows 10"]),
        ("the U.S. and NATO like iPhones", ["U.S.", "NATO", "iPhones"]),
        ("and Vitamin C, O dear", ["Vitamin C"]),
        ("then I said that The end came", []),
        ("go to Tom's house", ["Tom"]),
    ],
)
def test_names_are_runs_of_capitalised_words(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tom is here.", ["Tom"]),
        ("Everybody is here.", []),
        ("Barack Obama is here.", ["Barack Obama"]),
        ("Today Obama spoke.", ["Obama"]),
        ("It ended. People left.", []),
        ("It ended (People left).", []),
        ("NASA said so.", ["NASA"]),
    ],
)
def test_a_first_word_counts_only_if_something_else_shows_it_is_a_name(
    text: str, expected: list[str]
) -> None:
    assert names(text) == expected


def test_a_common_word_alone_is_no_name_though_capitalised() -> None:
    assert names("we sang, Lest we forget") == []


def test_a_headline_has_no_names_but_has_numbers() -> None:
    text = "Install Packages From Files: 10 Simple Steps"
    assert names(text) == []
    assert numbers(text) == ["10"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on 12 March 2009 at 2:30", ["12 March 2009", "2:30"]),
        ("on March 12, 2009, and in May 2010", ["March 12, 2009", "May 2010"]),
        ("5 million people, 10% more, two days", ["5 million", "10%", "two"]),
        ("the 1990s and the 12th", ["1990s", "12th"]),
        ("one of them", []),
        ("२००९ में", ["२००९"]),
    ],
)
def test_numbers_and_dates(text: str, expected: list[str]) -> None:
    assert numbers(text) == expected


def test_casing_is_learnt_inside_sentences_only() -> None:
    texts = ["Yesterday Tom met Rosa.", "Rosa saw tom yesterday.", "Then Tom and Rosa left."]
    observed = Counter(case for text in texts for case in cases(surfaces(text)))
    learnt = casing(observed)
    assert {"tom", "rosa"} <= set(learnt.names)
    assert {"yesterday", "met", "left"} <= set(learnt.common)
    assert not set(learnt.names) & set(learnt.common)


@given(
    st.lists(
        st.sampled_from(
            ["Tom", "of", "the", "Bank", "12", "March", ",", ".", "-", "'", "A", "two", "%", "x"]
        ),
        max_size=12,
    ),
    st.sampled_from([" ", ""]),
)
def test_spans_are_disjoint_in_order_and_never_empty(tokens: list[str], space: str) -> None:
    text = space.join(tokens)
    spans = names_and_numbers(surfaces(text), words(text), KNOWN)
    ends = [0, *(span.end for span in spans)]
    assert all(span.first < span.end <= len(words(text)) for span in spans)
    assert all(span.first >= end for span, end in zip(spans, ends, strict=False))
