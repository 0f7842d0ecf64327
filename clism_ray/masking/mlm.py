"""Masked language modelling: BERT's 15 % of the tokens, of these 80 % masked, 10 % random."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def corrupt(
    ids: Sequence[int],
    allowed: Sequence[int],
    probability: float,
    mask_id: int,
    ordinary_ids: NDArray[np.int64],
    random: np.random.Generator,
) -> tuple[list[int], list[int], list[int]]:
    """Mask some of the allowed positions.

    Each allowed position is chosen with the given probability; a chosen token becomes the mask
    (80 %), an ordinary token drawn from the whole vocabulary (10 %), or stays as it is (10 %).

    Returns:
        The corrupted ids, the chosen positions, and the ids that stood there.
    """
    draws = random.random((len(allowed), 2))
    chosen = [
        (position, kind)
        for position, (draw, kind) in zip(allowed, draws, strict=True)
        if draw < probability
    ]
    corrupted = list(ids)
    for position, kind in chosen:
        if kind < 0.8:
            corrupted[position] = mask_id
        elif kind < 0.9:
            corrupted[position] = int(ordinary_ids[random.integers(len(ordinary_ids))])
    positions = [position for position, _ in chosen]
    return corrupted, positions, [ids[position] for position in positions]
