"""What word links tell of runs of words, many at once: where they lead and how surely.

Words are counted through all texts of a side. Links of punctuation do not count.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clism_ray.corpus.arrays import Flags, Floats, Ints, flags_of, places
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.features import Features
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side

_NONE_LOWEST, _NONE_HIGHEST = np.iinfo(np.int64).max, -1


class Runs(NamedTuple):
    """R runs of one word or more, half-open."""

    first_R: Ints
    end_R: Ints

    def where(self, chosen: Flags | Ints) -> "Runs":
        """Some of the runs."""
        return Runs(self.first_R[chosen], self.end_R[chosen])


class Reached(NamedTuple):
    """Where the links of W words lead."""

    lowest_W: Ints  # word of the other side; above all of them if there is no link
    highest_W: Ints  # -1 if there is no link
    trust_W: Floats  # the best

    @property
    def is_linked_W(self) -> Flags:
        """Whether a word has a link."""
        return self.highest_W > _NONE_HIGHEST


def runs_of(spans: Sequence[Sequence[Span]], side: Side) -> tuple[Ints, Runs]:
    """Which pair each span is of, and the words that it runs over."""
    pair_S = np.repeat(np.arange(len(spans)), [len(of_pair) for of_pair in spans])
    ends_S2 = np.array([span[:2] for of_pair in spans for span in of_pair], np.int64).reshape(-1, 2)
    first_S, end_S = (ends_S2 + side.first_P1[pair_S, None]).T
    return pair_S, Runs(first_S, end_S)


def to_target(links: Links, words: int) -> Reached:
    """Where the links of so many source words lead."""
    return _reached(links.source_L, links.target_L, links.trust_L, words)


def to_source(links: Links, words: int) -> Reached:
    """Where the links of so many target words lead."""
    return _reached(links.target_L, links.source_L, links.trust_L, words)


def _reached(word_L: Ints, other_L: Ints, trust_L: Floats, words: int) -> Reached:
    lowest_W = np.full(words, _NONE_LOWEST)
    highest_W = np.full(words, _NONE_HIGHEST)
    trust_W = np.zeros(words)
    np.minimum.at(lowest_W, word_L, other_L)
    np.maximum.at(highest_W, word_L, other_L)
    np.maximum.at(trust_W, word_L, trust_L)
    return Reached(lowest_W, highest_W, trust_W)


def extents(runs: Runs, links: Reached) -> tuple[Ints, Ints]:
    """The lowest and highest word that the links of each run lead to, as in `Reached`."""
    run_V, word_V = places(*runs)
    begin_R = np.searchsorted(run_V, np.arange(len(runs.first_R)))
    if not len(begin_R):
        return begin_R, begin_R
    lowest_R = np.minimum.reduceat(links.lowest_W[word_V], begin_R)
    return lowest_R, np.maximum.reduceat(links.highest_W[word_V], begin_R)


def counted_words(runs: Runs, features: Features) -> tuple[Ints, Ints]:
    """(run, word): the content words of each run, or else those that are no punctuation."""
    run_V, word_V = places(*runs)
    is_content_V = features.is_content_W[word_V]
    has_content_R = flags_of(run_V[is_content_V], len(runs.first_R))
    counts_V = np.where(has_content_R[run_V], is_content_V, ~features.is_sign_W[word_V])
    return run_V[counts_V], word_V[counts_V]
