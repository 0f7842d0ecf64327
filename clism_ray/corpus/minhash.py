"""How alike two sentence pairs are, and how to find those that are without comparing all.

A text is the set of its *shingles*: all runs of four bytes of its UTF-8, in lower case and without
spaces. Four bytes are four Latin letters, two Cyrillic or Arabic ones, one or two Chinese
characters, so one measure serves every script. Two texts are as alike as the Jaccard similarity
of their sets; two pairs as the less alike of their two sides, so one sentence with two different
translations makes two pairs that are not alike.

MinHash with bands (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3): a
band of r hashes is equal for two sets of Jaccard similarity s with probability s^r, so one of b
bands is with 1 - (1 - s^r)^b.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RECALL = 0.99  # of pairs whose sets are just as alike as the threshold

_SHINGLE = 4  # bytes: one uint32
_FEW_SAME_BANDS = 0.25  # at the threshold; fewer rows would make chance meetings common
_ROWS = (5, 12)


class Bands(NamedTuple):
    """How a signature is cut: `bands` numbers for each pair, of `rows` hashes each."""

    bands: int
    rows: int


def bands_for(threshold: float) -> Bands:
    """Bands that find pairs of this similarity with probability `RECALL`, in (0, 1]."""
    least, most = _ROWS
    rows = most
    if threshold < 1:
        rows = math.floor(math.log(_FEW_SAME_BANDS) / math.log(threshold))
        rows = min(max(rows, least), most)
    met = min(threshold**rows, 1 - 1e-9)
    return Bands(math.ceil(math.log(1 - RECALL) / math.log(1 - met)), rows)


def band_hashes(
    pairs: Sequence[tuple[str, str]], groups: NDArray[np.uint64], shape: Bands
) -> NDArray[np.uint64]:
    """N x bands numbers of N > 0 pairs. Alike pairs of one group have at least one in common.

    Args:
        pairs: source and target texts.
        groups: a number for each pair, such as that of its languages: others never meet.
        shape: of `bands_for`.
    """
    shingles, lengths = _shingles([text for pair in pairs for text in pair])
    sides = np.tile(np.array([0, 1 << 31], np.uint32), len(pairs))
    mixed = _mix32(_mix32(shingles) ^ np.repeat(sides, lengths))
    starts = np.cumsum([0, *lengths[:-1]])[::2]
    hashed = np.empty_like(mixed)
    found = np.empty((len(pairs), shape.bands), np.uint64)
    for band, functions in enumerate(_hash_functions(shape)):
        number = _mix64(groups + np.uint64(band))
        for factor, summand in functions:
            np.multiply(mixed, factor, out=hashed)
            hashed += summand
            number = _mix64(number ^ np.minimum.reduceat(hashed, starts))
        found[:, band] = number
    return found


def are_alike(one: tuple[str, str], other: tuple[str, str], threshold: float) -> bool:
    """Whether both sides of two pairs are as alike as the threshold."""
    # Targets first: one sentence often comes with several translations.
    return all(jaccard(one[side], other[side]) >= threshold for side in (1, 0))


def jaccard(one: str, other: str) -> float:
    """Shingles that two texts share, as a share of all that they have, from 0 to 1."""
    ours, theirs = (
        {data[start : start + _SHINGLE] for start in range(len(data) - _SHINGLE + 1)}
        for data in map(_bytes, (one, other))
    )
    return len(ours & theirs) / len(ours | theirs)


@lru_cache
def _hash_functions(shape: Bands) -> NDArray[np.uint32]:
    """bands x rows x (odd factor, summand): permutations of the 32-bit numbers, always the same."""
    numbers = _mix64(np.arange(1, 1 + 2 * math.prod(shape), dtype=np.uint64))
    functions = numbers.astype(np.uint32).reshape(*shape, 2)
    functions[..., 0] |= 1
    return functions


def _shingles(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The shingles of all texts, one after the other, and how many are each text's."""
    parts = list(map(_bytes, texts))
    lengths = np.array([len(part) for part in parts])
    data = np.frombuffer(b"".join(parts), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(data, _SHINGLE)
    runs = np.ascontiguousarray(windows).view(np.uint32)[:, 0]
    inside = np.ones(len(data), bool)
    for back in range(1, _SHINGLE):
        inside[np.cumsum(lengths) - back] = False  # these would run into the next text
    return runs[inside[: len(runs)]], lengths - _SHINGLE + 1


def _bytes(text: str) -> bytes:
    """What is cut into shingles: at least one."""
    return "".join(text.casefold().split()).encode().ljust(_SHINGLE, b"\0")


def _mix32(numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """A permutation of the 32-bit numbers that leaves no pattern (MurmurHash3's last step)."""
    numbers = (numbers ^ numbers >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    numbers = (numbers ^ numbers >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return numbers ^ numbers >> np.uint32(16)


def _mix64(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same for 64 bits (MurmurHash3)."""
    numbers = (numbers ^ numbers >> np.uint64(33)) * np.uint64(0xFF51AFD7ED558CCD)
    numbers = (numbers ^ numbers >> np.uint64(33)) * np.uint64(0xC4CEB9FE1A85EC53)
    return numbers ^ numbers >> np.uint64(33)
