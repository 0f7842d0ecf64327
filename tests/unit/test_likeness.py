"""Words that sound alike in two languages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.likeness import MIN_LIKENESS, likeness, sound


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("France", "फ्रान्स"),
        ("Authority", "अथॅारिटी"),
        ("Britain", "بريطانيا"),
        ("Moscow", "Москва"),
        ("London", "लंदन"),
        ("Canadian", "canadiennes"),
        ("Philip", "Филипп"),
        ("Sosso", "Соссо"),  # too few consonants, but the same letters
    ],
)
def test_names_sound_alike_in_other_scripts_and_spellings(one: str, other: str) -> None:
    assert likeness(sound(one), sound(other)) >= MIN_LIKENESS


@pytest.mark.parametrize(
    ("one", "other"),
    [("France", "भारत"), ("Steele", "fer"), ("US", "यूएस"), ("Ann", "Hanna"), ("1", "2"), ("", "")],
)
def test_other_words_and_short_ones_do_not(one: str, other: str) -> None:
    assert likeness(sound(one), sound(other)) < MIN_LIKENESS


def test_what_stays_of_a_word() -> None:
    assert sound("Chicago") == ("chicago", "kg")
    assert sound("Österreich") == ("osterreich", "astrk")


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_symmetric_and_between_0_and_1(one: str, other: str) -> None:
    assert likeness(sound(one), sound(other)) == likeness(sound(other), sound(one))
    assert 0 <= likeness(sound(one), sound(other)) <= 1


SPELLINGS = (  # one after the other
    ("ph", "f"),
    ("th", "t"),
    ("sh", "s"),
    ("c(?=[eiy])", "s"),
    ("g(?=[eiy])", "j"),
    ("ch|c|q", "k"),
    ("x", "ks"),
    ("w", "v"),
    ("z", "s"),
    ("^[eiouy]", "a"),
    ("(?<=.)[aeiouyh]", ""),
    (r"(.)\1+", r"\1"),
)


@given(st.text("abceghiopqstuwxyzAÖß'", max_size=9))
def test_consonants_are_what_the_spellings_leave(word: str) -> None:
    letters = word.replace("Ö", "o").replace("ß", "ss").replace("'", "").lower()
    text = letters
    for spelling, simpler in SPELLINGS:
        text = re.sub(spelling, simpler, text)
    assert sound(word) == (letters, text)
