"""Words that sound alike in two languages, whatever their scripts: names that nobody translates.

Both words are written in Latin letters (Unidecode's idea, by `anyascii`), and reduced to their
consonants, since scripts and spellings differ most in vowels: "France" and "फ्रान्स" are both "frns".
"""

import re
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz.distance import Levenshtein

MIN_LIKENESS = 0.7
_MIN_LETTERS = 4  # of words that are written alike
_MIN_CONSONANTS = 3  # in shorter words they prove nothing
_NO_LETTERS = re.compile("[^a-z]")
_SPELLINGS = (
    (re.compile("ph"), "f"),
    (re.compile("th"), "t"),
    (re.compile("sh"), "s"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("g(?=[eiy])"), "j"),
    (re.compile("ch|c|q"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("w"), "v"),
    (re.compile("z"), "s"),
    (re.compile("^[eiouy]"), "a"),  # a vowel at the beginning stays, whichever it is
    (re.compile("(?<=.)[aeiouyh]"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


def likeness(one: str, other: str) -> float:
    """1 for the same Latin letters, else what share of the longer word's consonants stays."""
    (letters, first), (other_letters, second) = _sound(one), _sound(other)
    if letters == other_letters and len(letters) >= _MIN_LETTERS:
        return 1.0
    if len(first) < _MIN_CONSONANTS or len(second) < _MIN_CONSONANTS:
        return 0.0
    return Levenshtein.normalized_similarity(first, second)


@lru_cache(maxsize=100_000)
def _sound(word: str) -> tuple[str, str]:
    return latin(word), consonants(word)


def latin(word: str) -> str:
    """A word in lower-case Latin letters."""
    return _NO_LETTERS.sub("", anyascii(word).lower())


def consonants(word: str) -> str:
    """A word's consonants in Latin letters, and the vowel it begins with, if it does, as `a`."""
    text = latin(word)
    for spelling, letters in _SPELLINGS:
        text = spelling.sub(letters, text)
    return text
