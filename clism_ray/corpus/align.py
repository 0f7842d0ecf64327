"""The word links of sentence pairs, and how far each can be trusted.

1. Words that are the same on both sides, or the same number, are linked first (`anchors`).
2. The aligner links the others, with some trust in each link, and may ask for some trust at
   least (`linker`); the links of function words are thinned out.
3. Names that are left are linked to words of the other side that sound alike (`alike_names`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clism_ray.corpus.alike_names import alike_names
from clism_ray.corpus.anchors import anchors
from clism_ray.corpus.arrays import Flags, flags_of
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.decided import undecided
from clism_ray.corpus.features import Features
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side
from clism_ray.corpus.tables import Tables


class Alignment(NamedTuple):
    """The word links of sentence pairs, with what is known of their words."""

    links: Links
    of_source: Features
    of_target: Features
    lexicon: Lexicon


def align(
    tables: Tables,
    source: Side,
    target: Side,
    spans: Sequence[Sequence[Span]] | None = None,
) -> Alignment:
    """The links of each pair; none of those that the aligner cannot read.

    The trust in a link is 1 for equal words, what the aligner says of those that it linked, and
    the likeness of names that sound alike. If all that will be asked are some spans of each pair,
    pairs of which anchors decide them all keep to their anchors, and may be such as the aligner
    cannot read. Not so if its answers depend on all pairs that it is given (`is_independent`).
    """
    features = tables.vocabulary.features(source.words_W, target.words_W)
    sure = anchors(source, target, *features)
    pairs = np.arange(len(source.texts))
    if spans is not None and tables.linker.is_independent:
        pairs = undecided(spans, source, target, features, sure)
    found = tables.linker.links(source, target, features, pairs)
    of_anchors_L = flags_of(sure.source_L, len(source.words_W))[found.source_L]
    of_anchors_L |= flags_of(sure.target_L, len(target.words_W))[found.target_L]
    found = found.where(~of_anchors_L)
    found = found.where(is_no_stray(found, *(side.is_function_W for side in features)))
    found = found.where(found.trust_L >= tables.linker.min_trust)
    links = found.and_others(sure)
    links = links.and_others(alike_names(source, target, *features, links, pairs))
    if links.unread:
        unread = np.array([*links.unread])
        links = links.where(~np.isin(source.text_W[links.source_L], unread))
    return Alignment(links, *features, tables.lexicon)


def is_no_stray(links: Links, source_function_W: Flags, target_function_W: Flags) -> Flags:
    """Whether a link does not tie a function word to a content word for want of its own.

    Aligners hang articles and prepositions on the noun nearby ("Senate" - "le Sénat"), where
    they would widen a span or make it inconsistent. A content word of the source never links
    to a function word; a function word links to a content word that no content word links to.
    """
    source_L, target_L = source_function_W[links.source_L], target_function_W[links.target_L]
    of_content_W = flags_of(links.target_L[~(source_L | target_L)], len(target_function_W))
    is_alike_L: Flags = source_L == target_L
    return is_alike_L | (source_L & ~of_content_W[links.target_L])
