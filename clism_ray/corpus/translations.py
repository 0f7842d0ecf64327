"""Which words translate which, as far as the word links of a sample tell, and how surely.

An aligner links every word as well as it can; only many links of the same two words show that
they mean the same. The trust in two words that are linked c times is c - 1 over the occurrences of
the rarer one: the first link proves nothing (absolute discounting), and either word may have many
other translations.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Link: TypeAlias = tuple[int, int]  # (source word, target word), positions from 0
LinkedPair: TypeAlias = tuple[Sequence[str], Sequence[str], Iterable[Link]]  # words, words, links
Translations: TypeAlias = Mapping[str, Mapping[str, float]]  # source word -> target word -> trust

MIN_TRUST = 0.03  # less is not stored
_HELD = 1_000_000  # links kept as Python objects at a time
_TARGET_BITS = 32


class LinkCounts(NamedTuple):
    """How often words were linked in a sample; entry n is of one source and one target word."""

    sources: list[str]
    targets: list[str]
    numbers: NDArray[np.int64]


def count_links(
    linked: Iterable[LinkedPair], frequency: tuple[Mapping[str, int], Mapping[str, int]]
) -> LinkCounts:
    """The links of a sample, counted; `frequency` has all its words. Memory: 8 bytes a link."""
    source_place, target_place = (
        {word: place for place, word in enumerate(side)} for side in frequency
    )
    parts: list[NDArray[np.int64]] = []
    held: list[int] = []
    for source, target, links in linked:
        held += [
            source_place[source[i]] << _TARGET_BITS | target_place[target[j]] for i, j in links
        ]
        if len(held) >= _HELD:
            parts.append(np.array(held, np.int64))
            held = []
    parts.append(np.array(held, np.int64))
    keys, numbers = np.unique(np.concatenate(parts), return_counts=True)
    sources, targets = (list(side) for side in frequency)
    mask = (1 << _TARGET_BITS) - 1
    return LinkCounts(
        [sources[place] for place in (keys >> _TARGET_BITS).tolist()],
        [targets[place] for place in (keys & mask).tolist()],
        numbers.astype(np.int64),
    )


def translations(
    counts: LinkCounts, frequency: tuple[Mapping[str, int], Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """The trust in each two words that were linked, from `MIN_TRUST` to 1."""
    found: dict[str, dict[str, float]] = {}
    for source, target, number in zip(*counts[:2], counts.numbers.tolist(), strict=True):
        trust = min(1.0, (number - 1) / min(frequency[0][source], frequency[1][target]))
        if trust >= MIN_TRUST:
            found.setdefault(source, {})[target] = round(trust, 4)
    return found


def words_of_names(counts: LinkCounts, names: Collection[str]) -> set[str]:
    """Target words of which at least a third of the links are to names.

    Many scripts have no capitals to tell names by.
    """
    links: dict[str, int] = {}
    of_names: dict[str, int] = {}
    for source, target, number in zip(*counts[:2], counts.numbers.tolist(), strict=True):
        links[target] = links.get(target, 0) + number
        if source in names:
            of_names[target] = of_names.get(target, 0) + number
    return {word for word, number in of_names.items() if 3 * number >= links[word]}
