"""Whether a system is better than a baseline: a test of the items, and many tests at once."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import stats

from clism_ray.randomness import Use, generator
from clism_ray.tasks.crossed import Floats, Items, stack
from clism_ray.tasks.statistics import Resampled, Score, mean

AVERAGE = "average"
_SWAPS = 1_000_000  # items dealt out at a time; scipy holds some 40 bytes of each


class Comparison(NamedTuple):
    """A row of an evaluation table: a system minus the baseline."""

    value: float
    low: float
    high: float
    p: float
    p_holm: float  # corrected for the number of languages; the average is one question, and is not


def compare(resampled: Resampled, system: str, baseline: str) -> dict[str, Comparison]:
    """The difference in each language, and of the averages over languages under `average`."""
    found = {
        language: resampled.difference(system, baseline, language)
        for language in resampled.languages
    }
    corrected = holm({language: difference.p for language, difference in found.items()})
    average = resampled.difference(system, baseline)
    return {
        **{name: Comparison(*found[name], corrected[name]) for name in found},
        AVERAGE: Comparison(*average, average.p),
    }


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected so that one below a level means: no more than that chance of any error.

    Holm (1979): the smallest of n is multiplied by n, the next by n - 1, and none falls below the
    one before it. scipy corrects for the share of false discoveries only.
    """
    corrected, least = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = least
    return {name: corrected[name] for name in p_values}


def swap_test(
    system: Mapping[str, Items],
    baseline: Mapping[str, Items],
    score: Score = mean,
    *,
    resamples: int = 9_999,
    seed: int = 0,
) -> float:
    """The p-value, two-sided, of the difference of averages over languages, for these runs.

    Exchanges what the two made of an item, in all runs at once (Yeh 2000, approximate
    randomisation; exact where there are few items). It asks whether these very models differ on
    other items; whether the methods would with other seeds, `Resampled.difference` asks.

    Args:
        system: language -> R x I scores, or R x I x K counts; one language tests that one.
        baseline: the same runs and items.
        score: of counts summed over items.
        resamples: how many exchanges.
        seed: of the exchanges.
    """
    pairs = list(stack({"system": system, "baseline": baseline}).values())
    bounds = np.cumsum([0, *(data.shape[2] for data in pairs)])

    def difference(place: np.ndarray, _: np.ndarray, axis: int) -> Floats:
        kept = np.moveaxis(place, axis, -1) < bounds[-1]
        by_language = [
            _difference(data, kept[..., start:stop], score)
            for data, start, stop in zip(pairs, bounds, bounds[1:], strict=False)
        ]
        average: Floats = np.mean(by_language, axis=0)
        return average

    places = np.arange(bounds[-1])
    tested = stats.permutation_test(
        (places, places + bounds[-1]),
        difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, _SWAPS // int(bounds[-1])),
        rng=generator(Use.SWAPPED_ITEMS, seed),
    )
    return float(tested.pvalue)


def _difference(data_2RIK: Floats, kept: np.ndarray, score: Score) -> Floats:
    """Of mean scores over runs, where the items that are not kept have changed sides."""
    ours_RIK, theirs_RIK = data_2RIK
    total_RK = data_2RIK.sum((0, 2))
    runs, items, sums = ours_RIK.shape
    gain = np.moveaxis(ours_RIK - theirs_RIK, 1, 0).reshape(items, -1)
    ours = (kept.astype(np.float64) @ gain).reshape(*kept.shape[:-1], runs, sums)
    ours = ours + theirs_RIK.sum(1)
    difference: Floats = (score(ours) - score(total_RK - ours)).mean(-1)
    return difference
