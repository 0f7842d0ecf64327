"""Settings under several seeds: means, intervals, and distances to the best seed by seed."""

import math

import numpy as np
import pytest

from clism_ray.report.repeats import interval, repeats
from clism_ray.report.results import Dimension, Run
from clism_ray.train.status import STOPPED_EARLY
from tests.sweeps import TEMPERATURE, WEIGHT, sweep, trial

SEEDS = Dimension("seed", "choice", (1, 2, 3))
NOISE = {1: 0.0, 2: 0.4, 3: -0.1}


def trials(**levels: float) -> list[Run]:
    """One trial for each temperature and seed: its level and what the seed adds."""
    return [
        trial(
            f"{name}{seed}", ((10, level + NOISE[seed]),), losses__cacr__temperature=name, seed=seed
        )
        for name, level in levels.items()
        for seed in NOISE
    ]


def test_settings_are_ranked_by_their_means_and_compared_seed_by_seed() -> None:
    found = repeats(sweep(trials(a=0.5, b=0.7), (TEMPERATURE, SEEDS)))
    best, other = found
    assert best.values == {"losses.cacr.temperature": "b"}
    assert best.seeds == ("1", "2", "3")
    assert best.objective.mean == pytest.approx(0.8)
    assert best.to_best is None
    assert other.to_best is not None
    assert other.to_best == pytest.approx((-0.2, -0.2, -0.2)), "the seeds' noise is the same"
    assert other.objective.high - other.objective.low > 0.5, "and alone it is wide"


def test_the_lowest_mean_is_best_where_less_is_better() -> None:
    found = repeats(sweep(trials(a=0.5, b=0.7), (TEMPERATURE, SEEDS), mode="min"))
    assert [row.values["losses.cacr.temperature"] for row in found] == ["a", "b"]


def test_the_interval_is_students() -> None:
    values = [1.0, 2.0, 6.0]
    found = interval(values)
    assert found.mean == 3
    error = np.std(values, ddof=1) / math.sqrt(3)
    assert found.high - 3 == pytest.approx(3 - found.low) == pytest.approx(4.302653 * error)


def test_only_seeds_that_every_setting_finished_count() -> None:
    some = trials(a=0.5, b=0.7)
    lost = trial("b3", ((5, 9.0),), STOPPED_EARLY, losses__cacr__temperature="b", seed=3)
    found = repeats(sweep([*some[:-1], lost], (TEMPERATURE, SEEDS)))
    assert [row.seeds for row in found] == [("1", "2")] * 2
    assert repeats(sweep(some[:4], (TEMPERATURE, SEEDS))) == [], "one seed in common says nothing"


def test_a_sweep_that_searches_no_seeds_repeats_nothing() -> None:
    assert repeats(sweep(trials(a=0.5), (TEMPERATURE, WEIGHT))) == []
    assert repeats(sweep(trials(a=0.5), (SEEDS,))) == []
    assert repeats(sweep([], (TEMPERATURE, SEEDS))) == []
