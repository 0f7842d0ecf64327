"""Precision, recall and F1 of entities: found if first word, last word and type are all right.

Counts come by sentence and type, so that what is resampled later are sentences: F1 is no mean of
sentences' values but a function of sums of their counts. Shapes: S sentences, K types.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clism_ray.tasks.ner_tags import entities

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]  # last axis: entities found, predicted, in the gold tags


class EntityScores(NamedTuple):
    """In per cent; 0 where nothing was predicted, or nothing was there to find."""

    precision: float
    recall: float
    f1: float
    gold: int  # entities in the gold tags


def entity_counts(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], types: Sequence[str]
) -> Counts:
    """Entities found, predicted and in the gold tags, S x K x 3.

    Tags are read as conlleval and seqeval's default mode read them (see `ner_tags.entities`).
    Summed over types, the counts give the micro average.

    Args:
        gold: each sentence's tags, IOB2 or IOB1.
        predicted: of the same sentences.
        types: all types that occur on either side.
    """
    counts = np.zeros((len(gold), len(types), 3), np.int64)
    number = {kind: index for index, kind in enumerate(types)}
    for row, true, guessed in zip(counts, gold, predicted, strict=True):
        if len(true) != len(guessed):
            raise ValueError(f"{len(guessed)} tags predicted for {len(true)} words")
        sides = entities(guessed), entities(true)
        for column, found in enumerate((set(sides[0]) & set(sides[1]), *sides)):
            for entity in found:
                row[number[entity.type], column] += 1
    return counts


def f1(counts: NDArray[np.int64] | Floats) -> Floats:
    """F1 in per cent, 2 found / (predicted + gold); the last axis of the counts goes."""
    return _per_cent(2 * counts[..., 0], counts[..., 1] + counts[..., 2])


def entity_scores(counts_SK3: Counts, types: Sequence[str]) -> dict[str, EntityScores]:
    """The scores of each type, and under `micro` those of all entities."""
    by_type = counts_SK3.sum(0)
    return {
        **{kind: _scores(by_type[index]) for index, kind in enumerate(types)},
        "micro": _scores(by_type.sum(0)),
    }


def _scores(counts_3: Counts) -> EntityScores:
    found, predicted, gold = counts_3
    return EntityScores(
        precision=float(_per_cent(found, predicted)),
        recall=float(_per_cent(found, gold)),
        f1=float(f1(counts_3)),
        gold=int(gold),
    )


def _per_cent(part: NDArray[np.int64] | Floats, whole: NDArray[np.int64] | Floats) -> Floats:
    nothing = np.zeros(np.shape(part))
    return np.divide(100 * part, whole, out=nothing, where=np.asarray(whole > 0))
