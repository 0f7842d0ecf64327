"""Names that sound alike in both languages, where nothing else links them."""

from collections.abc import Sequence

import numpy as np

from clism_ray.corpus.arrays import Flags, Ints, flags_of, places
from clism_ray.corpus.features import Features
from clism_ray.corpus.likeness import MIN_LIKENESS, likeness, sound
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side


def alike_names(
    source: Side,
    target: Side,
    of_source: Features,
    of_target: Features,
    linked: Links,
    of_pairs: Ints,
) -> Links:
    """Links of capitalised source words to target words that sound alike, and how much.

    Only words of some of the pairs take part, without a link, that are no function words; the most
    alike are linked first, each once.
    """
    is_name_W = flags_of(source.places(of_pairs), len(source.words_W))
    is_name_W &= of_source.is_capital_W & ~of_source.is_function_W
    is_name_W[linked.source_L] = False
    is_free_W = of_target.is_alphabetic_W & ~of_target.is_function_W
    is_free_W[linked.target_L] = False
    names, words = _each_with_each(source, target, is_name_W, is_free_W)
    first, second = _consonants(source.words_W, names), _consonants(target.words_W, words)
    # The consonants that one has more than the other are no likeness.
    may_be = np.minimum(first, second) >= MIN_LIKENESS * np.maximum(first, second) - 1e-9
    alike = [
        (value, i, j)
        for i, j in zip(names[may_be].tolist(), words[may_be].tolist(), strict=True)
        if (value := likeness(sound(source.words_W[i]), sound(target.words_W[j]))) >= MIN_LIKENESS
    ]
    found: list[tuple[float, int, int]] = []
    sources: set[int] = set()
    targets: set[int] = set()
    for value, i, j in sorted(alike, reverse=True):
        if i not in sources and j not in targets:
            sources.add(i)
            targets.add(j)
            found.append((value, i, j))
    found_L3 = np.array(found, np.float64).reshape(-1, 3)
    return Links(found_L3[:, 1].astype(np.int64), found_L3[:, 2].astype(np.int64), found_L3[:, 0])


def _each_with_each(
    source: Side, target: Side, is_name_W: Flags, is_free_W: Flags
) -> tuple[Ints, Ints]:
    """Each name with each free word of the same pair."""
    names, words = np.flatnonzero(is_name_W), np.flatnonzero(is_free_W)
    first_P1 = np.searchsorted(words, target.first_P1)
    pair_N = source.text_W[names]
    name_A, word_A = places(first_P1[pair_N], first_P1[pair_N + 1])
    return names[name_A], words[word_A]


def _consonants(words: Sequence[str], chosen: Ints) -> Ints:
    """How many consonants each of the chosen words has."""
    different, inverse = np.unique(chosen, return_inverse=True)
    numbers = [len(sound(words[place]).consonants) for place in different.tolist()]
    return np.array(numbers, np.int64)[inverse]
