"""A sweep over seeds: each setting's mean over them, and how sure its distance to the best is.

With few seeds the normal distribution would promise too much: intervals are Student's, over the
seeds, and of differences over pairs of trials with the same seed.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy import stats

from clism_ray.report.results import Sweep
from clism_ray.train.status import FINISHED

SEED = "seed"
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean and where it may lie."""

    mean: float
    low: float
    high: float


class Repeated(NamedTuple):
    """One setting under several seeds."""

    values: Mapping[str, str]  # of the searched keys but the seed
    seeds: tuple[str, ...]
    objective: Interval
    to_best: Interval | None  # this setting minus the best; None: it is the best


def repeats(sweep: Sweep) -> list[Repeated]:
    """The settings of a sweep by their means, best first; none where seeds were not searched.

    Only seeds count under which every setting has a finished trial, and two of them are needed.
    """
    keys = [dimension.key for dimension in sweep.space if dimension.key != SEED]
    if not keys or len(keys) == len(sweep.space):
        return []
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for trial in sweep.trials:
        value = sweep.value(trial)
        if trial.status == FINISHED and value is not None:
            setting = tuple(trial.params.get(key, "") for key in keys)
            found.setdefault(setting, {})[trial.params.get(SEED, "")] = value
    seeds = sorted(set.intersection(*map(set, found.values()))) if found else []
    if len(seeds) < 2:
        return []
    scores = {setting: [of_seed[seed] for seed in seeds] for setting, of_seed in found.items()}
    best = (max if sweep.mode == "max" else min)(scores, key=lambda s: statistics.fmean(scores[s]))
    rows = [
        Repeated(
            values=dict(zip(keys, setting, strict=True)),
            seeds=tuple(seeds),
            objective=interval(values),
            to_best=None if setting == best else interval(_differences(values, scores[best])),
        )
        for setting, values in scores.items()
    ]
    rows.sort(key=lambda row: row.objective.mean, reverse=sweep.mode == "max")
    return rows


def interval(values: Sequence[float]) -> Interval:
    """The mean of two values or more, and Student's interval of it."""
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / math.sqrt(len(values))
    beyond = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Interval(mean, mean - beyond, mean + beyond)


def _differences(values: Sequence[float], best: Sequence[float]) -> list[float]:
    return [value - other for value, other in zip(values, best, strict=True)]
