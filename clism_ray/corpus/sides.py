"""One side of many sentence pairs, with its words in arrays."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from clism_ray.corpus.arrays import Ints, cut, places
from clism_ray.corpus.latin_words import latin_words
from clism_ray.corpus.words import Offsets, is_latin, pieces_in_any_script


class Side(NamedTuple):
    """One side of P sentence pairs, and its W words, text by text in order."""

    texts: Sequence[str]
    first_P1: Ints  # text p has the words first_P1[p] to first_P1[p + 1] - 1
    start_W: Ints  # where a word stands in its text, half-open
    end_W: Ints
    words_W: list[str]

    @property
    def text_W(self) -> Ints:
        """Which text a word is of."""
        return np.repeat(np.arange(len(self.texts)), np.diff(self.first_P1))

    def words(self) -> list[list[str]]:
        """The words of each text."""
        return cut(self.words_W, self.first_P1)

    def offsets(self) -> list[list[Offsets]]:
        """Where the words of each text stand in it."""
        offsets = list(zip(self.start_W.tolist(), self.end_W.tolist(), strict=True))
        return cut(offsets, self.first_P1)

    def words_of(self, pairs: Ints) -> Ints:
        """Which words are of some of the pairs."""
        return places(self.first_P1[pairs], self.first_P1[pairs + 1])[1]

    def take(self, pairs: Ints) -> "Side":
        """The side of some of the pairs."""
        chosen = self.words_of(pairs)
        lengths = self.first_P1[pairs + 1] - self.first_P1[pairs]
        return Side(
            [self.texts[pair] for pair in pairs.tolist()],
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            self.start_W[chosen],
            self.end_W[chosen],
            [self.words_W[word] for word in chosen.tolist()],
        )


def side(texts: Sequence[str]) -> Side:
    """Texts as one side of pairs; their words are those of `words`."""
    latin = [text for text, content in enumerate(texts) if is_latin(content)]
    text_W, start_W, end_W, words_W = latin_words([texts[text] for text in latin])
    if len(latin) < len(texts):
        others = sorted(set(range(len(texts))).difference(latin))
        found = [pieces_in_any_script(texts[text]) for text in others]
        words_W += [word for pieces in found for word, _ in pieces]
        flat = chain.from_iterable(offsets for pieces in found for _, offsets in pieces)
        offsets_W2 = np.fromiter(flat, np.int64).reshape(-1, 2)
        other_W = np.repeat(np.array(others, np.int64), [len(pieces) for pieces in found])
        text_W = np.concatenate([np.array(latin, np.int64)[text_W], other_W])
        order = np.argsort(text_W, kind="stable")
        text_W = text_W[order]
        start_W = np.concatenate([start_W, offsets_W2[:, 0]])[order]
        end_W = np.concatenate([end_W, offsets_W2[:, 1]])[order]
        words_W = [words_W[word] for word in order.tolist()]
    first_P1 = np.searchsorted(text_W, np.arange(len(texts) + 1))
    return Side(texts, first_P1, start_W, end_W, words_W)
