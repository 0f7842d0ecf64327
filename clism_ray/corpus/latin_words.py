"""Words of texts in Latin letters, many texts at once: `words` in a few passes over arrays.

The rule is that of `words`. A run of letters and digits is a word, any other character that is no
white space one of its own; then what belongs to one word is put together again: numbers with their
separators ("1,000.5"), abbreviations with their dots ("U.S.").
"""

import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clism_ray.corpus.arrays import Flags, Ints, places
from clism_ray.corpus.words import LATIN

_WHITE, _ALNUM, _UPPER, _DIGIT, _DOT, _SEPARATOR = (1 << n for n in range(6))
_WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0"
_BETWEEN = "\n"  # two texts, two words


class LatinWords(NamedTuple):
    """The words of some texts, in order."""

    text_W: Ints  # which text a word is of
    start_W: Ints  # where it stands in it, half-open
    end_W: Ints
    words_W: list[str]


def latin_words(texts: Sequence[str]) -> LatinWords:
    """The words of texts for which `is_latin` holds."""
    code_C = np.frombuffer(_BETWEEN.join(texts).encode("utf-32-le"), np.uint32)
    kind_C = _KINDS[code_C]
    alnum_C = (kind_C & _ALNUM) != 0
    sign_C = (kind_C & (_ALNUM | _WHITE)) == 0
    start_W = np.flatnonzero(sign_C | (alnum_C & ~_shifted(alnum_C, 1)))
    end_W = np.flatnonzero(sign_C | (alnum_C & ~_shifted(alnum_C, -1))) + 1
    continues_W = _continues(kind_C, start_W, end_W)
    start_W, end_W = start_W[~continues_W], end_W[~_shifted(continues_W, -1)]

    begin_P1 = np.array([*accumulate((len(text) + 1 for text in texts), initial=0)], np.int64)
    text_W = np.searchsorted(begin_P1, start_W, "right") - 1
    words_W = _cut(code_C[alnum_C | sign_C], end_W - start_W)
    return LatinWords(text_W, start_W - begin_P1[text_W], end_W - begin_P1[text_W], words_W)


def _cut(code_C: NDArray[np.uint32], length_W: Ints) -> list[str]:
    """Words of these lengths, laid end to end, as strings.

    To split a text takes two thirds of the time that its slices would.
    """
    if not len(length_W):
        return []
    cut = np.insert(code_C, np.cumsum(length_W[:-1]), ord(_BETWEEN))
    return cut.tobytes().decode("utf-32-le").split(_BETWEEN)


def _shifted(flags: Flags, by: Literal[1, -1]) -> Flags:
    """The flags of the places before (1) or behind (-1); none beyond either end."""
    shifted = np.zeros_like(flags)
    if by == 1:
        shifted[1:] = flags[:-1]
    else:
        shifted[:-1] = flags[1:]
    return shifted


def _continues(kind_C: NDArray[np.uint8], start_W: Ints, end_W: Ints) -> Flags:
    """Which of these runs and signs continue the word before them."""
    kind_W = kind_C[start_W]  # of the first character
    glued_W = np.zeros(len(start_W), np.bool_)
    glued_W[1:] = start_W[1:] == end_W[:-1]
    continues_W = np.zeros_like(glued_W)

    between = np.flatnonzero((kind_W[1:-1] & _SEPARATOR != 0) & glued_W[1:-1] & glued_W[2:]) + 1
    between = between[kind_W[between - 1] & kind_W[between + 1] & _DIGIT != 0]
    run_V, place_V = places(start_W[between - 1], end_W[between - 1])
    between = np.delete(between, run_V[kind_C[place_V] & _DIGIT == 0])  # "5m.5" is two numbers
    continues_W[between] = continues_W[between + 1] = True

    # "U.S." is an initial with a dot behind it, and so on; "A. B." and the "A." of "A.Bc" are not.
    is_initial_W = (kind_W & _UPPER != 0) & (end_W - start_W == 1)
    dotted_W = np.zeros(len(start_W) + 1, np.bool_)  # initials with a dot behind them
    dotted_W[:-2] = is_initial_W[:-1] & (kind_W[1:] & _DOT != 0) & glued_W[1:]
    following = np.flatnonzero(dotted_W[:-3] & dotted_W[2:-1] & glued_W[2:]) + 2
    for place in (following - 1, following, following + 1):
        continues_W[place] = True
    return continues_W


def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(1 + max(map(ord, LATIN)), np.uint8)
    for character in LATIN:
        category = unicodedata.category(character)
        kinds[ord(character)] = (
            _WHITE * (character in _WHITE_SPACE)
            | _ALNUM * (category[0] in "LN" or character == "_")
            | _UPPER * (category == "Lu")
            | _DIGIT * (character in "0123456789")
            | _DOT * (character == ".")
            | _SEPARATOR * (character in ".,:")
        )
    return kinds


_KINDS = _kinds()
