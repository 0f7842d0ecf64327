"""Words, links and runs of words of many sentence pairs as arrays: what their names end in.

    P  pairs or texts               W  words of one side, text by text
    L  links                        R  runs of words, half-open: spans, answers
    S  all spans that are asked     V  words of runs, run by run

Words are counted through all texts of a side. Other letters are explained where they stand.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]


def places(first_R: Ints, end_R: Ints) -> tuple[Ints, Ints]:
    """(which run, which place) of all places of half-open runs, run by run in order."""
    length_R = end_R - first_R
    run_V = np.repeat(np.arange(len(first_R)), length_R)
    before_R = np.cumsum(length_R) - length_R
    return run_V, np.arange(len(run_V)) + (first_R - before_R)[run_V]


def flags_of(places: Ints, number: int) -> Flags:
    """Of so many places, whether each is among those."""
    flags = np.zeros(number, np.bool_)
    flags[places] = True
    return flags
