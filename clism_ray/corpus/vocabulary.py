"""Words as numbers, with what is known of each.

A text repeats its words: each is looked at once, and texts are read by looking words up.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import repeat

import numpy as np

from clism_ray.corpus.anchors import anchor, numeral
from clism_ray.corpus.arrays import NOTHING, Ints
from clism_ray.corpus.features import Features
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.words import is_punctuation, is_unspaced

MOST_WORDS = 120_000  # kept from batch to batch, of each language pair: some 60 MB

_SIGN, _UNSPACED, _CAPITAL, _ALPHABETIC, *_FUNCTION = (1 << n for n in range(6))


class Vocabulary:
    """The words of both sides of a language pair that were looked up; for one thread.

    Numbers that different calls give are not to be compared: words are forgotten in between.
    """

    def __init__(
        self,
        function_words: tuple[Collection[str], Collection[str]] = ((), ()),
        lexicon: Lexicon | None = None,
    ) -> None:
        """Of lower-cased function words of source and target; without a lexicon, all are known.

        (An encoder knows some tokens of every word.)
        """
        self._function_words = [frozenset(words) for words in function_words]
        self._lexicon = lexicon
        self._forget()

    def features(self, source: Sequence[str], target: Sequence[str]) -> tuple[Features, Features]:
        """What is known of the words of either side of some pairs."""
        if len(self._numbers) > MOST_WORDS:
            self._forget()
        numbers = self._look_up(source), self._look_up(target)
        return self._of_side(numbers[0], 0), self._of_side(numbers[1], 1)

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._shared: dict[str, int] = {}  # numbers of what two words may share
        self._rows = np.empty((1024, 5), np.int64)

    def _of_side(self, number_W: Ints, side: int) -> Features:
        flags_W, anchor_W, numeral_W, *entry_2W = self._rows[number_W].T
        return Features(
            number_W=number_W,
            is_sign_W=flags_W & _SIGN != 0,
            is_unspaced_W=flags_W & _UNSPACED != 0,
            is_capital_W=flags_W & _CAPITAL != 0,
            is_alphabetic_W=flags_W & _ALPHABETIC != 0,
            is_function_W=flags_W & _FUNCTION[side] != 0,
            anchor_W=anchor_W,
            numeral_W=numeral_W,
            entry_W=entry_2W[side],
        )

    def _look_up(self, words: Sequence[str]) -> Ints:
        number_W = _array(map(self._numbers.get, words, repeat(NOTHING)), len(words))
        unseen = np.flatnonzero(number_W == NOTHING)
        if len(unseen):
            of_unseen = [words[place] for place in unseen.tolist()]
            self._add([*dict.fromkeys(of_unseen)])
            number_W[unseen] = _array(map(self._numbers.__getitem__, of_unseen), len(unseen))
        return number_W

    def _add(self, words: list[str]) -> None:
        first = len(self._numbers)
        end = first + len(words)
        if end > len(self._rows):
            self._rows = np.resize(self._rows, (2 * end, 5))
        lowered = [word.lower() for word in words]
        columns = (
            self._flags(words, lowered),
            self._numbers_of_shared(map(anchor, words), len(words)),
            self._numbers_of_shared(map(numeral, lowered), len(words)),
            *self._entries(lowered),
        )
        self._rows[first:end] = np.stack(columns, axis=1)
        self._numbers.update(zip(words, range(first, end), strict=True))

    def _flags(self, words: list[str], lowered: list[str]) -> Ints:
        is_so = {  # what is faster, and mostly decides, goes first
            _SIGN: (not word.isalnum() and is_punctuation(word) for word in words),
            _UNSPACED: (not word.isascii() and is_unspaced(word) for word in words),
            _CAPITAL: (word[0].isupper() for word in words),
            _ALPHABETIC: (word.isalpha() or word[0].isalpha() for word in words),
            _FUNCTION[0]: map(self._function_words[0].__contains__, lowered),
            _FUNCTION[1]: map(self._function_words[1].__contains__, lowered),
        }
        flags_W = np.zeros(len(words), np.int64)
        for flag, of_words in is_so.items():
            flags_W |= flag * _array(of_words, len(words))
        return flags_W

    def _entries(self, lowered: list[str]) -> Sequence[Ints]:
        if self._lexicon is None:
            return np.zeros(len(lowered), np.int64), np.zeros(len(lowered), np.int64)
        return self._lexicon.entries(lowered)

    def _numbers_of_shared(self, texts: Iterable[str | None], number: int) -> Ints:
        shared = self._shared
        numbers = (
            NOTHING if text is None else shared.setdefault(text, len(shared)) for text in texts
        )
        return _array(numbers, number)


def _array(numbers: Iterable[int], number: int) -> Ints:
    return np.fromiter(numbers, np.int64, number)
