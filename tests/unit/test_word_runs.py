"""Runs of words, as numbers: the same for the same words, wherever they stand."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.word_runs import content_words, runs

SENTENCE = "The Panthers defense gave up just 308 points, ranking sixth in the league."


def numbers(*texts: str, n: int = 8) -> list[set[int]]:
    found = runs(texts, n)
    return [set(found.number_R[found.text_R == place].tolist()) for place in range(len(texts))]


def surfaces(text: str, n: int = 8) -> list[str]:
    found, words = runs([text], n), content_words(text)
    places = zip(found.first_R.tolist(), found.end_R.tolist(), strict=True)
    return [" ".join(words[first:end]) for first, end in places]


def by_definition(text: str, n: int) -> set[tuple[str, ...]]:
    """The runs of a text in a language with spaces; a whole has an empty word before it."""
    words = content_words(text)
    if len(words) < n:
        return {("", *words)} if 2 * len(words) >= n else set()
    return {tuple(words[start : start + n]) for start in range(len(words) - n + 1)}


def test_runs_are_of_words_in_lower_case_without_punctuation() -> None:
    words = ["die", "strasse", "die", "u", "s", "route", "3.5m"]
    assert content_words("Die Straße, die 'U.S.'-Route: 3.5m") == words
    assert surfaces("One, two - three! FOUR", 3) == ["one two three", "two three four"]


def test_texts_share_what_they_have_in_common_whatever_stands_around_it() -> None:
    one, other, none = numbers(
        f"As we said: {SENTENCE}",
        "... the panthers Defense gave up just 308 points!",
        "The Panthers defense gave up just 309 points.",
    )
    assert len(one & other) == 1
    assert not one & none


def test_short_texts_are_equal_as_wholes_only() -> None:
    whole, same, longer, part, sentence = numbers(
        "Who won Super Bowl 50?",
        "who won super bowl 50",
        "Who won Super Bowl 50 in 2016?",
        "ranking sixth in the league",
        SENTENCE,
    )
    assert whole == same
    assert len(whole) == 1
    assert not whole & longer
    assert not part & sentence


def test_texts_under_half_the_length_have_nothing_to_compare() -> None:
    assert list(map(len, numbers("Thank you!", "Thank you very much.", "", "..."))) == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("text", "n", "first"),
    [
        ("卡罗来纳黑豹队的防守只丢了", 4, "卡 罗 来 纳 黑 豹 队 的"),  # two to a word
        ("ประเทศไทยเป็นประเทศ", 3, "ป ร ะ เ ท ศ ไ ท ย เ ป็ น"),  # four letters to a word
        ("NFL 球队 cup", 3, "nfl 球 队 cup"),
        ("कोई भी नहीं जानता", 3, "कोई भी नहीं"),
    ],
)
def test_characters_of_scripts_without_spaces_count_less(text: str, n: int, first: str) -> None:
    assert surfaces(text, n)[0] == first


WORDS = st.lists(st.sampled_from("a b c d , .".split()), max_size=30).map(" ".join)


@given(st.lists(WORDS, min_size=2, max_size=4), st.integers(1, 6))
def test_numbers_are_equal_where_words_are(texts: list[str], n: int) -> None:
    found = numbers(*texts, n=n)
    for one, one_number in zip(texts, found, strict=True):
        assert numbers(one, n=n) == [one_number]
        assert len(by_definition(one, n)) == len(one_number)
        for other, other_number in zip(texts, found, strict=True):
            shared = by_definition(one, n) & by_definition(other, n)
            assert len(shared) == len(one_number & other_number)


def test_a_thousand_texts_at_once_give_what_each_gives() -> None:
    choose = random.Random(1)
    texts = [" ".join(choose.choices("abcdefgh", k=choose.randrange(20))) for _ in range(1000)]
    together = numbers(*texts, n=5)
    assert all(numbers(texts[n], n=5) == [together[n]] for n in range(0, 1000, 50))


def test_no_texts_have_no_runs() -> None:
    assert len(runs([], 8).number_R) == 0
