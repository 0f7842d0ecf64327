"""MLM corruption: which tokens, how many, and what they become."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.masking.mlm import corrupt

MASK = 1
ORDINARY = np.arange(100, 1100)
IDS = list(range(10, 90))  # distinct, and none of them ordinary: a replacement shows


def corrupted(
    allowed: list[int], probability: float, seed: int = 0
) -> tuple[list[int], list[int], list[int]]:
    return corrupt(IDS, allowed, probability, MASK, ORDINARY, np.random.default_rng(seed))


@given(st.sets(st.integers(0, len(IDS) - 1)), st.floats(0, 1), st.integers(0, 2**32))
def test_only_allowed_places_change_and_labels_are_what_stood_there(
    places: set[int], probability: float, seed: int
) -> None:
    allowed = sorted(places)
    ids, positions, labels = corrupted(allowed, probability, seed)
    assert set(positions) <= places
    assert positions == sorted(set(positions))
    assert labels == [IDS[position] for position in positions]
    unchosen = set(range(len(IDS))) - set(positions)
    assert all(ids[position] == IDS[position] for position in unchosen)
    assert all(ids[p] in {MASK, IDS[p]} or ids[p] in ORDINARY for p in positions)


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0), (1.0, len(IDS))])
def test_a_probability_of_0_chooses_nothing_and_one_of_1_everything(
    probability: float, share: int
) -> None:
    assert len(corrupted(list(range(len(IDS))), probability)[1]) == share


def test_of_15_percent_80_become_the_mask_10_another_token_and_10_stay() -> None:
    draws, chosen, masked, replaced, kept = 400, 0, 0, 0, 0
    replacements = set()
    for seed in range(draws):
        ids, positions, _ = corrupted(list(range(len(IDS))), 0.15, seed)
        became = [ids[position] for position in positions]
        chosen += len(positions)
        masked += became.count(MASK)
        kept += sum(ids[position] == IDS[position] for position in positions)
        replacements |= {token for token in became if token >= 100}
        replaced += sum(token >= 100 for token in became)
    assert_binomial(chosen, draws * len(IDS), 0.15)
    assert_binomial(masked, chosen, 0.8)
    assert_binomial(replaced, chosen, 0.1)
    assert_binomial(kept, chosen, 0.1)
    assert len(replacements) > 300  # drawn from the whole vocabulary, not from a corner of it


def assert_binomial(successes: int, trials: int, probability: float) -> None:
    """Within five standard deviations."""
    deviation = (trials * probability * (1 - probability)) ** 0.5
    assert abs(successes - trials * probability) < 5 * deviation
