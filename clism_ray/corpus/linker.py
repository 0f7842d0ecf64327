"""What word aligners are to preparation: asked for the links of pairs, and the trust in each.

Most are fitted on a sample first, and trusted as far as their links of it show (`translations`).
An encoder needs no fitting and tells the trust itself.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clism_ray.corpus.arrays import Ints
from clism_ray.corpus.features import Features
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.links import Links, places_of_links
from clism_ray.corpus.sides import Side
from clism_ray.corpus.translations import Link


class Linker(Protocol):
    """What links words."""

    @property
    def batch(self) -> int:
        """Pairs that are best linked at a time."""

    @property
    def min_trust(self) -> float:
        """Links of less trust are wrong more often than not."""

    @property
    def is_independent(self) -> bool:
        """Whether what it says of a pair does not, rounding apart, depend on those beside it."""

    def __hash__(self) -> int:
        """What is opened with it is opened once."""

    def links(
        self, source: Side, target: Side, features: tuple[Features, Features], pairs: Ints
    ) -> Links:
        """The links of some of the pairs, with a trust of 0 to 1, and the pairs it cannot read.

        Words and pairs are counted through the whole sides.
        """


class Aligner(Protocol):
    """An aligner that was fitted on a sample."""

    batch: int
    min_trust: float
    is_independent: bool

    def links(
        self, sources: Sequence[list[str]], targets: Sequence[list[str]]
    ) -> Iterable[Collection[Link]]:
        """The links of each pair of lower-cased word lists, none of them empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted aligner with what its links of the sample told; a `Linker`."""

    aligner: Aligner
    lexicon: Lexicon

    @property
    def batch(self) -> int:
        """Pairs that are best linked at a time."""
        return self.aligner.batch

    @property
    def min_trust(self) -> float:
        """What the sample must show of two words that the aligner links."""
        return self.aligner.min_trust

    @property
    def is_independent(self) -> bool:
        """Whether what the aligner says of a pair does not depend on the pairs beside it."""
        return self.aligner.is_independent

    def links(
        self, source: Side, target: Side, features: tuple[Features, Features], pairs: Ints
    ) -> Links:
        """The aligner's links, and the trust that the sample gives to each."""
        found = list(self.aligner.links(_lowered(source, pairs), _lowered(target, pairs)))
        source_L, target_L = places_of_links(found, source, target, pairs)
        of_source, of_target = features
        trust_L = self.lexicon.trust(of_source.entry_W[source_L], of_target.entry_W[target_L])
        return Links(source_L, target_L, trust_L)


def sample_pairs(text: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The words of lines `source words ||| target words`."""
    with text.open(encoding="utf-8") as lines:
        for line in lines:
            source, target = line.rstrip("\n").split(" ||| ")
            yield source.split(" "), target.split(" ")


def _lowered(side: Side, pairs: Ints) -> list[list[str]]:
    """The lower-cased words of some of the texts."""
    ends = zip(side.first_P1[pairs].tolist(), side.first_P1[pairs + 1].tolist(), strict=True)
    return [[word.lower() for word in side.words_W[first:end]] for first, end in ends]
