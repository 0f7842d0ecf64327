"""Where every random choice comes from: what it is for, the run's seed, the epoch, an index.

No generator is carried along, so no choice depends on what happened before it.
"""

from enum import IntEnum

import numpy as np


class Use(IntEnum):
    """Keeps the choices of one kind apart from those of another with the same seed."""

    WINDOW_ORDER = 1  # index 0
    ROW_ORDER = 2  # index: window
    EXAMPLE = 3  # index: row id
    DROPOUT = 4  # index: micro-batch
    WEIGHTS = 5  # index 0
    RESAMPLED_RUNS = 6  # index 0
    RESAMPLED_ITEMS = 7  # index: family of languages
    FEW_SHOT = 9  # seed: sample; index: size
    SHOWN = 10  # index 0, then 1 + window
    SCORED_NGRAMS = 11  # index: sentence pair of a gold set


def generator(use: Use, seed: int, epoch: int = 0, index: int = 0) -> np.random.Generator:
    """A fresh generator for one use."""
    return np.random.default_rng([use, seed, epoch, index])


def torch_seed(use: Use, seed: int, epoch: int = 0, index: int = 0) -> int:
    """A 63-bit seed for torch's generators."""
    state = np.random.SeedSequence([use, seed, epoch, index]).generate_state(1, np.uint64)
    return int(state[0] >> 1)
