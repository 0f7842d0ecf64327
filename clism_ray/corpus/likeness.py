"""Words that sound alike in two languages, whatever their scripts: names that nobody translates.

Both words are written in Latin letters (Unidecode's idea, by `anyascii`), and reduced to their
consonants, since scripts and spellings differ most in vowels: "France" and "फ्रान्स" are both "frns".
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from anyascii import anyascii
from rapidfuzz.distance import Levenshtein

MIN_LIKENESS = 0.7
_MIN_LETTERS = 4  # of words that are written alike
_MIN_CONSONANTS = 3  # in shorter words they prove nothing
_NO_LETTERS = re.compile("[^a-z]")
_SPELLINGS = (
    *(("ph", "f"), ("th", "t"), ("sh", "s")),
    *((f"c{vowel}", f"s{vowel}") for vowel in "eiy"),
    *((f"g{vowel}", f"j{vowel}") for vowel in "eiy"),
    *(("ch", "k"), ("c", "k"), ("q", "k"), ("x", "ks"), ("w", "v"), ("z", "s")),
)
_OTHER_VOWELS = tuple("eiouy")


class Sound(NamedTuple):
    """How a word sounds, as far as that shows in Latin letters."""

    letters: str
    consonants: str


def likeness(one: Sound, other: Sound) -> float:
    """1 for the same Latin letters, else what share of the longer word's consonants stays."""
    if one.letters == other.letters and len(one.letters) >= _MIN_LETTERS:
        return 1.0
    if min(len(one.consonants), len(other.consonants)) < _MIN_CONSONANTS:
        return 0.0
    return Levenshtein.normalized_similarity(one.consonants, other.consonants)


@lru_cache(maxsize=100_000)
def sound(word: str) -> Sound:
    """How a word sounds: its Latin letters in lower case, and the consonants among them.

    A vowel at the beginning stays as `a`, whichever it is.
    """
    letters = (word if word.isascii() else anyascii(word)).lower()
    letters = letters if letters.isalpha() else _NO_LETTERS.sub("", letters)
    text = letters
    for spelling, simpler in _SPELLINGS:  # `str.replace` is the fastest there is
        text = text.replace(spelling, simpler)
    first = "a" if text.startswith(_OTHER_VOWELS) else text[:1]
    text = text[1:]
    for letter in "aeiouyh":
        text = text.replace(letter, "")
    once = [letter for before, letter in pairwise(f" {first}{text}") if letter != before]
    return Sound(letters, "".join(once))
