"""Names that sound alike in both languages, where nothing else links them."""

from collections.abc import Iterator, Sequence

import numpy as np

from clism_ray.corpus.arrays import Flags, Ints, flags_of, places
from clism_ray.corpus.features import Features
from clism_ray.corpus.likeness import MIN_LIKENESS, likeness, sound
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side

_AT_ONCE = 100_000  # names, each with a word, or a few more: a title in capitals has thousands


def alike_names(
    source: Side,
    target: Side,
    of_source: Features,
    of_target: Features,
    linked: Links,
    pairs: Ints,
) -> Links:
    """Links of capitalised source words to target words that sound alike, and how much.

    Only words of some of the pairs take part, without a link, that are no function words; the most
    alike are linked first, each once.
    """
    is_name_W = flags_of(source.words_of(pairs), len(source.words_W))
    is_name_W &= of_source.is_capital_W & ~of_source.is_function_W
    is_name_W[linked.source_L] = False
    is_free_W = of_target.is_alphabetic_W & ~of_target.is_function_W
    is_free_W[linked.target_L] = False
    alike = [
        (value, i, j)
        for i, j in _candidates(source, target, is_name_W, is_free_W)
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
    trust, names, words = zip(*found, strict=True) if found else ((), (), ())
    return Links(np.array(names, np.int64), np.array(words, np.int64), np.array(trust, np.float64))


def _candidates(
    source: Side, target: Side, is_name_W: Flags, is_free_W: Flags
) -> Iterator[tuple[int, int]]:
    """Each name with each free word of its pair that may sound alike.

    Likeness is at most the fewer consonants over the more, which spares comparing most.
    """
    names, words = np.flatnonzero(is_name_W), np.flatnonzero(is_free_W)
    first_P1 = np.searchsorted(words, target.first_P1)
    pair_of_name = source.text_W[names]
    first, end = first_P1[pair_of_name], first_P1[pair_of_name + 1]
    beside = np.flatnonzero(flags_of(pair_of_name, len(source.texts))[target.text_W[words]])
    of_words = np.zeros(len(words), np.int64)
    of_words[beside] = _consonants(target.words_W, words[beside])
    of_names = _consonants(source.words_W, names)
    total = np.cumsum(end - first)
    cuts = np.searchsorted(total, np.arange(_AT_ONCE, total[-1:].sum(), _AT_ONCE))
    for part in np.split(np.arange(len(names)), cuts):
        run_V, word_V = places(first[part], end[part])
        name_V = part[run_V]
        fewer_V = np.minimum(of_names[name_V], of_words[word_V])
        more_V = np.maximum(of_names[name_V], of_words[word_V])
        is_possible_V = fewer_V >= MIN_LIKENESS * more_V - 1e-9
        possible = names[name_V[is_possible_V]], words[word_V[is_possible_V]]
        yield from zip(possible[0].tolist(), possible[1].tolist(), strict=True)


def _consonants(words: Sequence[str], chosen: Ints) -> Ints:
    """How many consonants each of the chosen words has."""
    return np.array([len(sound(words[word]).consonants) for word in chosen.tolist()], np.int64)
