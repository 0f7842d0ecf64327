"""What two texts may have in common: runs of words, as numbers.

Words are those of `words`, in lower case and without punctuation. A run of n words is the shortest
that counts n or more from where it begins: a Chinese or Japanese character counts half a word, a
Thai, Lao or Tibetan letter a quarter, a Burmese or Khmer one two fifths. A text that counts less
than n has no runs; if it counts at least n / 2, it has itself as a whole, which equals only other
such wholes.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clism_ray.corpus.words import is_punctuation, length_in_words, surfaces

_FACTOR = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2^64
_INVERSE = pow(_FACTOR, -1, 1 << 64)
_WHOLE = np.uint64(0xD1B54A32D192ED03)  # tells a whole from a run of the same words
_PARTS = 20  # of a word, so that every character counts a whole number of them


class Runs(NamedTuple):
    """The runs of some texts, R in all."""

    number_R: NDArray[np.uint64]  # equal for equal runs
    text_R: NDArray[np.int64]  # which text a run is of
    first_R: NDArray[np.int64]  # its first word, and the one after its last, in the
    end_R: NDArray[np.int64]  # `content_words` of that text


def content_words(text: str) -> list[str]:
    """The words that are compared."""
    return [word for word in surfaces(text.casefold()) if _code(word)[1]]


def runs(texts: Sequence[str], n: int) -> Runs:
    """The runs of n words of each text, in no particular order.

    The number of the words w_i .. w_j is the sum of h(w_k) f^(k - i), modulo 2^64, with f odd and
    h a hash of 64 bits: two sums over all words before give it, for runs of any length.
    """
    codes = [[code for word in surfaces(t.casefold()) if (code := _code(word))[1]] for t in texts]
    lengths_T = np.array([len(each) for each in codes], np.int64)
    ends_T = np.cumsum(lengths_T)
    starts_T = ends_T - lengths_T
    hash_W = np.array([code for each in codes for code, _ in each], np.uint64)
    count_W = np.array([count for each in codes for _, count in each], np.int64)
    text_W = np.repeat(np.arange(len(texts)), lengths_T)

    counted = np.concatenate([[0], np.cumsum(count_W)])
    end_W = np.searchsorted(counted, counted[:-1] + _PARTS * n)
    inside = end_W <= ends_T[text_W]
    count_T = counted[ends_T] - counted[starts_T]
    short = np.flatnonzero((count_T < _PARTS * n) & (2 * count_T >= _PARTS * n))

    first = np.concatenate([np.flatnonzero(inside), starts_T[short]])
    end = np.concatenate([end_W[inside], ends_T[short]])
    summed = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hash_W * _powers(_FACTOR, hash_W))])
    number = (summed[end] - summed[first]) * _powers(_INVERSE, summed)[first]
    number[len(first) - len(short) :] ^= _WHOLE
    text = text_W[first]
    return Runs(number, text, first - starts_T[text], end - starts_T[text])


def _powers(factor: int, like: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """factor^0, factor^1 ... modulo 2^64, as many as `like` has entries."""
    powers = np.full(len(like), factor, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


@lru_cache(maxsize=1 << 17)
def _code(word: str) -> tuple[int, int]:
    """A hash of a word, and how many parts of a word it counts; none if it is punctuation."""
    if is_punctuation(word):
        return 0, 0
    digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
    counted = length_in_words(word * _PARTS, _PARTS)
    return int.from_bytes(digest, "big"), round(counted)
