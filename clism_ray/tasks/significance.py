"""Whether a system is better than a baseline, in each language and on average."""

from collections.abc import Mapping
from typing import NamedTuple

from clism_ray.tasks.statistics import Resampled

AVERAGE = "average"


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
