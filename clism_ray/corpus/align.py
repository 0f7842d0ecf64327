"""The word links of sentence pairs, and how far each can be trusted.

1. Words that are the same on both sides, or the same number, are linked first: names and numbers
   are the rarest words, aligners hardly know them, and put what they never saw on the diagonal.
2. The aligner links the others, with some trust in each link, and may ask for some trust at
   least (`linker`); the links of function words are thinned out.
3. Names that are left are linked to words of the other side that sound alike (`likeness`).
"""

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from clism_ray.corpus.likeness import MIN_LIKENESS, likeness
from clism_ray.corpus.stop_words import STOP_WORDS
from clism_ray.corpus.tables import Tables
from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import Side

_NUMERALS = dict(
    zip(
        """
        two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
        """.split(),
        map(str, (*range(2, 21), *range(30, 100, 10))),
        strict=True,
    )
)
_DIGITS = frozenset(_NUMERALS.values())


class Alignment(NamedTuple):
    """The word links of a sentence pair, by the positions of words."""

    trust: Mapping[Link, float]  # in each link, 0 to 1
    # Whether each word of the source, and of the target, is a function word; empty: none is.
    function_words: tuple[Sequence[bool], Sequence[bool]] = ((), ())
    # What is known to translate a lower-cased source word, as `Linker.known` tells it.
    known: Callable[[str], Mapping[str, float] | None] = lambda word: {}


def align(tables: Tables, pairs: Sequence[tuple[Side, Side]]) -> list[Alignment | None]:
    """The links of each pair; None for one that the aligner cannot read.

    The trust in a link is 1 for equal words, what the aligner says of those that it linked, and
    the likeness of names that sound alike.
    """
    by_aligner = tables.linker.links(pairs)
    return [
        None if links is None else _alignment(tables, (source.words, target.words), links)
        for (source, target), links in zip(pairs, by_aligner, strict=True)
    ]


def _alignment(
    tables: Tables, pair: tuple[list[str], list[str]], found: Mapping[Link, float]
) -> Alignment:
    keys = [[word.lower() for word in side] for side in pair]
    source_function, target_function = (
        [word in words for word in side]
        for side, words in zip(keys, tables.function_words, strict=True)
    )
    trust: dict[Link, float] = dict.fromkeys(anchors(*pair), 1.0)
    sources, targets = {i for i, _ in trust}, {j for _, j in trust}
    links = [link for link in found if link[0] not in sources and link[1] not in targets]
    least = tables.linker.min_trust
    for link in without_strays(links, source_function, target_function):
        if (value := found[link]) >= least:
            trust[link] = value
    trust |= names_alike(*pair, trust, source_function, target_function)
    return Alignment(trust, (source_function, target_function), tables.linker.known)


def names_alike(
    source: Sequence[str],
    target: Sequence[str],
    linked: Collection[Link],
    source_function: Sequence[bool],
    target_function: Sequence[bool],
) -> dict[Link, float]:
    """Links of capitalised source words to target words that sound alike, and how much.

    Only words without a link that are no function words take part; the most alike are linked
    first, each once.
    """
    taken = {i for i, _ in linked}
    names = [
        i
        for i, word in enumerate(source)
        if i not in taken and word[0].isupper() and not source_function[i]
    ]
    if not names:
        return {}
    targets = {j for _, j in linked}
    free = [
        j
        for j, word in enumerate(target)
        if j not in targets and word[0].isalpha() and not target_function[j]
    ]
    found: dict[Link, float] = {}
    alike = [(likeness(source[i], target[j]), i, j) for i in names for j in free]
    for value, i, j in sorted((entry for entry in alike if entry[0] >= MIN_LIKENESS), reverse=True):
        if all(i != other and j != another for other, another in found):
            found[i, j] = value
    return found


def without_strays(
    links: Collection[Link], source_function: Sequence[bool], target_function: Sequence[bool]
) -> list[Link]:
    """Links without those that tie a function word to a content word for want of its own.

    Aligners hang articles and prepositions on the noun nearby ("Senate" - "le Sénat"), where
    they would widen a span or make it inconsistent. A content word of the source never links
    to a function word; a function word links to a content word that no content word links to.
    """
    of_content = {j for i, j in links if not (source_function[i] or target_function[j])}
    return [
        (i, j)
        for i, j in links
        if source_function[i] == target_function[j] or (source_function[i] and j not in of_content)
    ]


def anchors(source: Sequence[str], target: Sequence[str]) -> set[Link]:
    """Links between words that are the same string or the same number on both sides.

    Words that stand equally often on both sides are linked in order, numbers of the same digits
    that are written alike before the others; what is left is the aligner's. Stop words and short
    lower-case words are no anchors: "die" is a verb in English. A number that English spells out
    ("three") may be written in digits in the target.
    """
    of_source, of_target = ([_anchor(word) for word in side] for side in (source, target))
    distinct = set(of_target)
    in_both = distinct.intersection(of_source) - {None}
    links = set(_in_order((source, target), of_source, of_target, in_both)) if in_both else set()
    if in_digits := distinct.intersection(_DIGITS).difference(of_source):
        spelled_out = [_NUMERALS.get(word.lower()) for word in source]
        links.update(_in_order((source, target), spelled_out, of_target, in_digits))
    return links


def _in_order(
    words: tuple[Sequence[str], Sequence[str]],
    source: Sequence[str | None],
    target: Sequence[str | None],
    keys: Collection[str | None],
) -> Iterator[Link]:
    """Links between the places of each key that both sides have equally often."""
    places: dict[str | None, tuple[list[int], list[int]]] = {key: ([], []) for key in keys}
    for number, side in enumerate((source, target)):
        for place, key in enumerate(side):
            if key in places:
                places[key][number].append(place)
    for key, (sources, targets) in places.items():
        if len(sources) == len(targets):
            if len(sources) > 1 and key is not None and key.isdecimal():
                yield from _alike_first(words, sources, targets)
            else:
                yield from zip(sources, targets, strict=True)


def _alike_first(
    words: tuple[Sequence[str], Sequence[str]], sources: Sequence[int], targets: Sequence[int]
) -> Iterator[Link]:
    """Links between equal words, then between the others in order: "2.0" and "20" share digits."""
    source, target = words
    free, others = list(targets), []
    for i in sources:
        same = next((j for j in free if target[j] == source[i]), None)
        if same is None:
            others.append(i)
        else:
            free.remove(same)
            yield i, same
    yield from zip(others, free, strict=True)


def _digits(word: str) -> str:
    return "".join(str(unicodedata.digit(sign)) for sign in word if sign.isdecimal())


@lru_cache(maxsize=100_000)
def _anchor(word: str) -> str | None:
    """What a word must share with another to be the same; None for words that prove nothing."""
    digits = "" if word.isalpha() else _digits(word)
    if digits and not any(character.isalpha() for character in word):
        return digits  # "1,000.5" is "1.000,5"
    lowered = word.casefold()
    if lowered in STOP_WORDS or not any(character.isalpha() for character in word):
        return None
    distinct = digits or (word != word.lower() and len(word) > 1) or len(word) > 3
    return lowered if distinct else None
