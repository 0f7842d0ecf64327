"""The word links of sentence pairs: anchors first, then what the alignment tables say.

Words that are the same on both sides are linked before the tables are asked: names and numbers
are the rarest words, tables hardly know them, and what a table never saw goes to the diagonal.
The tables' links, of both directions, come symmetrised from systran-align.
"""

import unicodedata
from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeAlias

from clism_ray.corpus.stop_words import STOP_WORDS
from clism_ray.corpus.tables import Tables

Link: TypeAlias = tuple[int, int]  # (source word, target word), positions from 0


class Alignment(NamedTuple):
    """The word links of a sentence pair, and how far they can be trusted."""

    links: frozenset[Link]
    evidence: tuple[float, ...]  # of each source word, 0 to 1


def align(tables: Tables, pairs: Sequence[tuple[list[str], list[str]]]) -> list[Alignment]:
    """The links of each pair of word lists.

    Anchors come first and take their words out of the tables' links; the links of function words
    are thinned out as in `without_strays`. The evidence for a source
    word is 1 if an anchor links it, else n / (n + 1) for a word the tables saw n times: what
    they never saw is put on the diagonal, which is a guess, and what they saw once nearly so.
    """
    lowered = [
        ([word.lower() for word in source], [word.lower() for word in target])
        for source, target in pairs
    ]
    by_tables = tables.aligner.align_batch([s for s, _ in lowered], [t for _, t in lowered])
    alignments = []
    for (source, target), keys, entry in zip(pairs, lowered, by_tables, strict=True):
        fixed = anchors(source, target)
        sources, targets = {i for i, _ in fixed}, {j for _, j in fixed}
        links = {(i, j) for i, j in entry["alignments"] if i not in sources and j not in targets}
        links = without_strays(links, *keys, tables.function_words)
        seen = [tables.frequency.get(key, 0) for key in keys[0]]
        evidence = (1.0 if i in sources else n / (n + 1) for i, n in enumerate(seen))
        alignments.append(Alignment(frozenset(links | fixed), tuple(evidence)))
    return alignments


def without_strays(
    links: Collection[Link],
    source: Sequence[str],
    target: Sequence[str],
    function_words: tuple[frozenset[str], frozenset[str]],
) -> set[Link]:
    """Links without those that tie a function word to a content word for want of its own.

    Aligners hang articles and prepositions on the noun nearby ("Senate" - "le Sénat"), where
    they would widen a span or make it inconsistent. A content word of the source never links
    to a function word; a function word links to a content word that no content word links to.
    """
    is_function = [word in function_words[0] for word in source]
    is_target_function = [word in function_words[1] for word in target]
    targets = {j for i, j in links if not (is_function[i] or is_target_function[j])}
    return {
        (i, j)
        for i, j in links
        if is_function[i] == is_target_function[j] or (is_function[i] and j not in targets)
    }


def anchors(source: Sequence[str], target: Sequence[str]) -> set[Link]:
    """Links between words that are the same string or the same number on both sides.

    Words that stand equally often on both sides are linked in order; others are left to the
    tables. Stop words and short lower-case words are no anchors: "die" is a verb in English.
    """
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, side_words in enumerate((source, target)):
        for position, word in enumerate(side_words):
            if (key := _anchor(word)) is not None:
                places.setdefault(key, ([], []))[side].append(position)
    return {
        link
        for sources, targets in places.values()
        if len(sources) == len(targets)
        for link in zip(sources, targets, strict=True)
    }


def _anchor(word: str) -> str | None:
    """What a word must share with another to be the same; None for words that prove nothing."""
    digits = "".join(
        str(unicodedata.digit(character)) for character in word if character.isdecimal()
    )
    if digits and not any(character.isalpha() for character in word):
        return digits  # "1,000.5" is "1.000,5"
    lowered = word.casefold()
    if lowered in STOP_WORDS or not any(character.isalpha() for character in word):
        return None
    distinct = digits or (word != word.lower() and len(word) > 1) or len(word) > 3
    return lowered if distinct else None
