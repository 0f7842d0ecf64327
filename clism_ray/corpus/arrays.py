"""Words, links and runs of words of many sentence pairs as arrays: what their names end in.

    P  pairs, or texts of one side; P1: one more, where the next would begin
    W  words of one side, text by text        L  links
    R  runs of words, half-open               V  words of runs, run by run
    S  runs that are asked spans, all of them
    K  words that have a key                  U  different keys, in order
    C  characters of texts laid end to end    N  entries of a lexicon

Words are counted through all texts of a side.
"""

from itertools import pairwise
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
EntryT = TypeVar("EntryT")

NOTHING = -1  # where a number is missing


def places(first_R: Ints, end_R: Ints) -> tuple[Ints, Ints]:
    """(which run, which place) of all places of half-open runs, run by run in order."""
    length_R = end_R - first_R
    run_V = np.repeat(np.arange(len(first_R)), length_R)
    before_R = np.cumsum(length_R) - length_R
    return run_V, np.arange(len(run_V)) + (first_R - before_R)[run_V]


def flags_of(chosen: Ints, number: int) -> Flags:
    """Of so many places, whether each is among the chosen."""
    flags = np.zeros(number, np.bool_)
    flags[chosen] = True
    return flags


def cut(entries: list[EntryT], first_P1: Ints) -> list[list[EntryT]]:
    """Entries that lie end to end, by what they are of."""
    return [entries[first:end] for first, end in pairwise(first_P1.tolist())]
