"""Pairs whose spans are decided by anchors alone, so that no aligner need be asked.

An aligner takes longer than all else, an encoder much longer.
"""

from collections.abc import Sequence

import numpy as np

from clism_ray.corpus.arrays import Flags, Ints, flags_of, places
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.counterparts import Runs, extents, runs_of, to_source, to_target
from clism_ray.corpus.features import Features
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side


def undecided(
    spans: Sequence[Sequence[Span]],
    source: Side,
    target: Side,
    features: tuple[Features, Features],
    anchors: Links,
) -> Ints:
    """The pairs with a span whose projection may take more than anchors.

    It takes no more if all words of the span and of its counterpart have anchors or are
    punctuation, and no character without spaces stands beside the latter: an aligner's links to
    words with anchors are not taken, nor do names that sound alike tie words that have a link, and
    links of punctuation do not count. Pairs without spans are decided.
    """
    of_source, of_target = features
    pair_S, asked = runs_of(spans, source)
    there = to_target(anchors, len(source.words_W))
    back = to_source(anchors, len(target.words_W))
    lowest_S, highest_S = extents(asked, there)
    is_open_S = _any(asked, ~(there.is_linked_W | of_source.is_sign_W)) | (highest_S < 0)

    closed = np.flatnonzero(~is_open_S)
    pair_R = pair_S[closed]
    answers = Runs(lowest_S[closed], highest_S[closed] + 1)
    with_neighbours = Runs(
        np.maximum(answers.first_R - 1, target.first_P1[pair_R]),
        np.minimum(answers.end_R + 1, target.first_P1[pair_R + 1]),
    )
    is_open_S[closed] = _any(answers, ~(back.is_linked_W | of_target.is_sign_W)) | _any(
        with_neighbours, of_target.is_unspaced_W
    )
    return np.flatnonzero(flags_of(pair_S[is_open_S], len(source.texts)))


def _any(runs: Runs, flags_W: Flags) -> Flags:
    """Whether any word of each run is flagged."""
    run_V, word_V = places(*runs)
    return flags_of(run_V[flags_W[word_V]], len(runs.first_R))
