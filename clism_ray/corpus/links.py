"""Word links of sentence pairs, in arrays."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from clism_ray.corpus.arrays import Flags, Floats, Ints
from clism_ray.corpus.sides import Side
from clism_ray.corpus.translations import Link
from clism_ray.errors import Unavailable


class Links(NamedTuple):
    """L links of P pairs; words are counted through all texts of a side."""

    source_L: Ints
    target_L: Ints
    trust_L: Floats  # 0 to 1
    unread: frozenset[int] = frozenset()  # pairs that the aligner cannot read

    def where(self, chosen_L: Flags) -> "Links":
        """Some of the links."""
        return Links(
            self.source_L[chosen_L], self.target_L[chosen_L], self.trust_L[chosen_L], self.unread
        )

    def and_others(self, others: "Links") -> "Links":
        """These links and others."""
        return Links(
            np.concatenate([self.source_L, others.source_L]),
            np.concatenate([self.target_L, others.target_L]),
            np.concatenate([self.trust_L, others.trust_L]),
            self.unread | others.unread,
        )

    def by_pair(self, source: Side, target: Side) -> list[dict[Link, float]]:
        """The trust in the links of each pair, its words counted from 0."""
        found: list[dict[Link, float]] = [{} for _ in source.texts]
        pair_L = source.text_W[self.source_L]
        sources = (self.source_L - source.first_P1[pair_L]).tolist()
        targets = (self.target_L - target.first_P1[pair_L]).tolist()
        for pair, i, j, trust in zip(
            pair_L.tolist(), sources, targets, self.trust_L.tolist(), strict=True
        ):
            found[pair][i, j] = trust
        return found


def places_of_links(
    links: Sequence[Collection[Link]], source: Side, target: Side, pairs: Ints
) -> tuple[Ints, Ints]:
    """The words, counted through all texts, that the links of some of the pairs tie.

    Raises Unavailable unless there are links of each, and between words that are there.
    """
    if len(links) != len(pairs):
        raise unanswered(len(pairs), len(links))
    numbers = [len(of_pair) for of_pair in links]
    flat = chain.from_iterable(chain.from_iterable(links))
    place_L2 = np.fromiter(flat, np.int64, 2 * sum(numbers)).reshape(-1, 2)
    pair_L = np.repeat(pairs, numbers)
    words = []
    for side, place_L in zip((source, target), place_L2.T, strict=True):
        word_L = place_L + side.first_P1[pair_L]
        if (place_L < 0).any() or (word_L >= side.first_P1[pair_L + 1]).any():
            raise Unavailable(
                "the aligner gave a link that ties a word that its sentence does not have: it may "
                "be of another version than expected"
            )
        words.append(word_L)
    return words[0], words[1]


def unanswered(pairs: int, answers: int) -> Unavailable:
    """The error of an aligner that gives other than one answer for each pair."""
    return Unavailable(
        f"the aligner was asked for links of {pairs} pairs; got those of {answers}: it may be of "
        "another version than expected, or have been cut short; start again"
    )


def links_of(
    trust: Sequence[Mapping[Link, float] | None],
    source: Side,
    target: Side,
    pairs: Ints | None = None,
) -> Links:
    """Links from the trust in those of each pair, or some; None for one that could not be read."""
    pairs = np.arange(len(source.texts)) if pairs is None else pairs
    found = [{} if of_pair is None else of_pair for of_pair in trust]
    words = places_of_links(found, source, target, pairs)
    values = np.array([value for of_pair in found for value in of_pair.values()], np.float64)
    unread = [pair for pair, links in zip(pairs.tolist(), trust, strict=True) if links is None]
    return Links(*words, values, frozenset(unread))
