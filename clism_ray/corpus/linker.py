"""What every word aligner is to preparation: fitted once on a sample, then asked for links."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from clism_ray.corpus.translations import Link


class Linker(Protocol):
    """A fitted aligner."""

    batch: int  # pairs that are best linked at a time
    min_trust: float  # what the sample must show of two words that it links

    def links(
        self, sources: Sequence[list[str]], targets: Sequence[list[str]]
    ) -> Iterable[Iterable[Link]]:
        """The links of each pair of lower-cased word lists, none of them empty."""


def sample_pairs(text: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The words of lines `source words ||| target words`."""
    with text.open(encoding="utf-8") as lines:
        for line in lines:
            source, target = line.rstrip("\n").split(" ||| ")
            yield source.split(" "), target.split(" ")
