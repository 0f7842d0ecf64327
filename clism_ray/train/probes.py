"""Held-out pairs of all workers, as sentence vectors, to the probes of each language pair."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch.distributed as dist
from numpy.typing import NDArray

from clism_ray.records import Batch
from clism_ray.tasks.probes import PROBES, Pairs, probe


class EncodedPair(NamedTuple):
    """A held-out pair and the vectors of its two sentences, each encoded alone."""

    row_id: int
    language: int
    source_key: int
    target_key: int
    source_D: NDArray[np.float32]
    target_D: NDArray[np.float32]


def encoded_pairs(batch: Batch, alone_2BD: NDArray[np.float32]) -> list[EncodedPair]:
    """The pairs of a micro-batch, with the vectors that the model gave for it.

    None of one that is not `with_targets_alone`.
    """
    if len(batch.offsets_N1) == 2 * len(batch.row_id_B) + 1:
        return []
    columns = (batch.row_id_B, batch.language_B, batch.source_key_B, batch.target_key_B)
    rows = zip(*(column.tolist() for column in columns), *np.split(alone_2BD, 2), strict=True)
    return [pair for pair in map(EncodedPair._make, rows) if pair.row_id >= 0]


def probe_languages(
    mine: Sequence[EncodedPair], languages: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Each probe by language, over the pairs of all workers. All ranks call it."""
    found: dict[str, dict[str, float]] = {name: {} for name in PROBES}
    for number, language in enumerate(languages):  # one after the other, to hold little at a time
        encoded = _of_all_workers([pair for pair in mine if pair.language == number])
        for name, value in probe(as_pairs(encoded)).items() if encoded else ():
            found[name][language] = value
    return found


def as_pairs(encoded: Sequence[EncodedPair]) -> Pairs:
    """The same pairs in the order of their rows, whoever encoded them."""
    rows = sorted(encoded, key=lambda pair: pair.row_id)
    return Pairs(
        source_PD=np.stack([pair.source_D for pair in rows]),
        target_PD=np.stack([pair.target_D for pair in rows]),
        source_key_P=np.array([pair.source_key for pair in rows]),
        target_key_P=np.array([pair.target_key for pair in rows]),
    )


def _of_all_workers(mine: list[EncodedPair]) -> list[EncodedPair]:
    shares: list[list[EncodedPair] | None] = [None] * dist.get_world_size()
    dist.all_gather_object(shares, mine)
    return list(chain.from_iterable(filter(None, shares)))
