"""What word aligners are to preparation: asked for the links of pairs, and the trust in each.

Most are fitted on a sample first, and trusted as far as their links of it show (`translations`).
An encoder needs no fitting and tells the trust itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clism_ray.corpus.translations import Link, Translations
from clism_ray.corpus.words import Side

_NONE: Mapping[str, float] = {}


class Linker(Protocol):
    """What links words."""

    @property
    def batch(self) -> int:
        """Pairs that are best linked at a time."""

    @property
    def min_trust(self) -> float:
        """Links of less trust are wrong more often than not."""

    def __hash__(self) -> int:
        """What is opened with it is opened once."""

    def links(self, pairs: Sequence[tuple[Side, Side]]) -> Iterable[Mapping[Link, float] | None]:
        """The trust in each link of each pair, 0 to 1; None for a pair that it cannot read."""

    def known(self, word: str) -> Mapping[str, float] | None:
        """What is known to translate a lower-cased source word, and how surely; None: nothing is.

        Empty if the word is known, but not by its translations.
        """


class Aligner(Protocol):
    """An aligner that was fitted on a sample."""

    batch: int
    min_trust: float

    def links(
        self, sources: Sequence[list[str]], targets: Sequence[list[str]]
    ) -> Iterable[Iterable[Link]]:
        """The links of each pair of lower-cased word lists, none of them empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted aligner with what its links of the sample told; a `Linker`."""

    aligner: Aligner
    translations: Translations  # of lower-cased words

    @property
    def batch(self) -> int:
        """Pairs that are best linked at a time."""
        return self.aligner.batch

    @property
    def min_trust(self) -> float:
        """What the sample must show of two words that the aligner links."""
        return self.aligner.min_trust

    def links(self, pairs: Sequence[tuple[Side, Side]]) -> Iterator[dict[Link, float]]:
        """The trust that the sample gives to each of the aligner's links."""
        sources, targets = ([_keys(pair[side]) for pair in pairs] for side in (0, 1))
        by_aligner = self.aligner.links(sources, targets)
        translations = self.translations.get
        for source, target, links in zip(sources, targets, by_aligner, strict=True):
            yield {(i, j): translations(source[i], _NONE).get(target[j], 0.0) for i, j in links}

    def known(self, word: str) -> Mapping[str, float] | None:
        """The translations of a lower-cased source word that the sample shows."""
        return self.translations.get(word)


def sample_pairs(text: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The words of lines `source words ||| target words`."""
    with text.open(encoding="utf-8") as lines:
        for line in lines:
            source, target = line.rstrip("\n").split(" ||| ")
            yield source.split(" "), target.split(" ")


def _keys(side: Side) -> list[str]:
    return [word.lower() for word in side.words]
