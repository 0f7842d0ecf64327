"""Translations of words with the trust in each, looked up many at a time."""

from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np

from clism_ray.corpus.arrays import NOTHING, Floats, Ints

_TARGET_BITS = 32
_END = np.iinfo(np.int64).max  # above all keys, so that each has one above it


class Lexicon:
    """Words of both sides as entries, and the trust in those that translate each other."""

    def __init__(self, translations: Mapping[str, Mapping[str, float]]) -> None:
        """From the trust, by lower-cased source and target words, as `translations` counts it."""
        self._sources = {word: place for place, word in enumerate(translations)}
        self._targets: dict[str, int] = {}
        keys: list[int] = []
        for place, found in enumerate(translations.values()):
            first = place << _TARGET_BITS
            keys += [first | self._targets.setdefault(w, len(self._targets)) for w in found]
        trust = [value for found in translations.values() for value in found.values()]
        key_N = np.array([*keys, _END], np.int64)
        order = np.argsort(key_N)
        self._key_N, self._trust_N = key_N[order], np.array([*trust, 0.0])[order]

    def entries(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """The entries of lower-cased words as sources and as targets, or `NOTHING`."""
        of_source, of_target = (
            np.fromiter(map(side.get, words, repeat(NOTHING)), np.int64, len(words))
            for side in (self._sources, self._targets)
        )
        return of_source, of_target

    def trust(self, source_L: Ints, target_L: Ints) -> Floats:
        """The trust in words of these entries, source and target; 0 if nothing shows it."""
        key_L = source_L << _TARGET_BITS | target_L  # negative where a word has no entry
        place_L = np.searchsorted(self._key_N, key_L)
        return np.where(self._key_N[place_L] == key_L, self._trust_N[place_L], 0.0)
