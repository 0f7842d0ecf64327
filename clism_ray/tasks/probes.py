"""What sentence vectors say of an encoder, without training anything on them.

Shapes: P pairs of sentences, S distinct sources, T distinct targets, D hidden size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.floating]
Keys = NDArray[np.int64]
WAYS = ("retrieval_of_targets", "retrieval_of_sources")  # by sources, and by targets
HIGHER, LOWER = ("retrieval", *WAYS), ("alignment", "uniformity")  # is better
PROBES = (*HIGHER, *LOWER)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Translations as vectors, each sentence encoded by itself. Equal texts have equal keys."""

    source_PD: Vectors
    target_PD: Vectors
    source_key_P: Keys
    target_key_P: Keys


def probe(pairs: Pairs) -> dict[str, float]:
    """The `PROBES` of the pairs of one language; uniformity only where a side has two texts.

    Each distinct text counts once, and all its translations are right answers.
    """
    source_SD, source_P = _distinct(pairs.source_PD, pairs.source_key_P)
    target_TD, target_P = _distinct(pairs.target_PD, pairs.target_key_P)
    right_ST = np.zeros((len(source_SD), len(target_TD)), dtype=bool)
    right_ST[source_P, target_P] = True
    cosine_ST = source_SD @ target_TD.T
    ways = retrieval(cosine_ST, right_ST), retrieval(cosine_ST.T, right_ST.T)
    found = {
        "retrieval": float(np.mean(ways)),
        **dict(zip(WAYS, ways, strict=True)),
        "alignment": alignment(cosine_ST, right_ST),
    }
    spread = [uniformity(side) for side in (source_SD, target_TD) if len(side) > 1]
    return found | ({"uniformity": float(np.mean(spread))} if spread else {})


def retrieval(cosine_ST: Vectors, right_ST: NDArray[np.bool_]) -> float:
    """For how many of S the nearest of T is a translation: accuracy at 1."""
    return float(right_ST[np.arange(len(cosine_ST)), cosine_ST.argmax(1)].mean())


def alignment(cosine_ST: Vectors, right_ST: NDArray[np.bool_]) -> float:
    """Mean |x - y|^2 of translations on the unit sphere (Wang and Isola 2020); 0: they meet."""
    return float((2 - 2 * cosine_ST[right_ST]).clip(0).mean())


def uniformity(unit_SD: Vectors) -> float:
    """log of the mean of exp(-2 |x - y|^2) over pairs of distinct sentences of one side.

    From Wang and Isola (2020). 0 where all vectors are one; the lower, the wider they are spread.
    """
    near_SS = np.exp(-2 * (2 - 2 * unit_SD @ unit_SD.T))
    np.fill_diagonal(near_SS, 0)
    return float(np.log(near_SS.sum() / (len(unit_SD) * (len(unit_SD) - 1))))


def _distinct(vectors_PD: Vectors, key_P: Keys) -> tuple[Vectors, NDArray[np.intp]]:
    """A unit vector in double precision of each distinct text, and each pair's place among them."""
    _, first, place_P = np.unique(key_P, return_index=True, return_inverse=True)
    chosen = vectors_PD[first].astype(np.float64)
    return chosen / np.linalg.norm(chosen, axis=1, keepdims=True).clip(1e-12), place_P
