"""What is known of runs and sweeps once they are measured, as plain values."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from clism_ray.tasks import probes
from clism_ray.train.status import FAILED, RUNNING

_HIGHER = {"accuracy", *probes.HIGHER}
_LOWER = {"loss", "perplexity", *probes.LOWER}

Curve = tuple[tuple[int, float], ...]  # (step, value), by rising step, each step once


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One training run."""

    name: str
    run_id: str
    status: str  # MLflow's, in lower case; of a trial: finished, stopped early, failed or running
    params: Mapping[str, str]  # dotted configuration keys
    tags: Mapping[str, str]
    last: Mapping[str, float]  # every metric, at its last step
    curves: Mapping[str, Curve]  # of those metrics that were asked for
    seconds: float | None = None  # None while it runs
    namesakes: int = 0  # older runs of the same name


class Dimension(NamedTuple):
    """A key that a sweep searches, and the values it may take."""

    key: str
    kind: str  # loguniform, uniform, integers or choice
    values: tuple[Any, ...]  # both ends of a range, or every choice

    @property
    def numeric(self) -> bool:
        """Whether its values lie on an axis; choices do when all of them are numbers."""
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    @property
    def log(self) -> bool:
        """Whether that axis is logarithmic."""
        if self.kind == "loguniform":
            return True
        spread = self.kind == "choice" and self.numeric and min(self.values) > 0
        return spread and max(self.values) / min(self.values) >= 10

    def coordinate(self, trial: Run) -> float | None:
        """Where a trial lies on the axis; None where it has no such value."""
        try:
            value = float(trial.params[self.key])
        except (KeyError, ValueError):
            return None
        return value if math.isfinite(value) and (value > 0 or not self.log) else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """A search and its trials, in the order in which they began."""

    name: str
    run: Run
    objective: str  # name of a metric
    mode: str  # max or min
    space: tuple[Dimension, ...]
    trials: tuple[Run, ...]

    def curve(self, trial: Run) -> Curve:
        """The objective of a trial by step."""
        return trial.curves.get(self.objective, ())

    def value(self, trial: Run) -> float | None:
        """The objective of a trial at its last step."""
        curve = self.curve(trial)
        return curve[-1][1] if curve else None

    def ranked(self) -> tuple[Run, ...]:
        """Trials from the best objective to the worst, then those without one, then failed ones."""

        def place(trial: Run) -> tuple[bool, bool, float]:
            value = self.value(trial)
            sign = -1 if self.mode == "max" else 1
            return trial.status == FAILED, value is None, sign * (value or 0.0)

        return tuple(sorted(self.trials, key=place))

    def best(self) -> Run | None:
        """The trial that the sweep calls the best; while it runs, the one that leads."""
        named = self.run.tags.get("best_trial")
        leading = [t for t in self.ranked() if t.status != FAILED and self.value(t) is not None]
        called = [t for t in self.trials if named and named in (t.name, t.run_id)]
        return next(iter([*called, *leading]), None)

    def count(self, status: str) -> int:
        """How many trials have a status."""
        return sum(trial.status == status for trial in self.trials)

    def equal_step(self) -> int | None:
        """The latest step that every trial reached that is over and did not fail.

        While none is over: that every trial reached so far. None while nothing is measured.
        """
        sound = [trial for trial in self.trials if trial.status != FAILED and self.curve(trial)]
        over = [trial for trial in sound if trial.status != RUNNING]
        return min((self.curve(trial)[-1][0] for trial in over or sound), default=None)

    def fair_value(self, trial: Run) -> float | None:
        """The objective of a trial after as much training as the others had."""
        step, curve = self.equal_step(), self.curve(trial)
        if step is None or not curve or curve[-1][0] < step:
            return None
        return value_at(curve, step)

    def fair_label(self) -> str:
        """What `fair_value` is."""
        step = self.equal_step()
        return self.objective if step is None else f"{self.objective} at step {step:,}"


def value_at(curve: Curve, step: int) -> float | None:
    """The latest value up to a step."""
    return next((value for at, value in reversed(curve) if at <= step), None)


def direction(metric: str) -> str | None:
    """Which way a metric gets better: max, min, or None where more is neither."""
    parts = set(metric.split("/"))
    if parts & _HIGHER:
        return "max"
    return "min" if parts & _LOWER else None


def best_value(metric: str, curve: Curve) -> float | None:
    """The best value of a curve, where its metric has a direction."""
    towards = direction(metric)
    if towards is None or not curve:
        return None
    values = [value for _, value in curve]
    return max(values) if towards == "max" else min(values)


def to_curve(points: Iterable[tuple[int, float]]) -> Curve:
    """Points in the order of their logging as a curve.

    Of a step that was logged twice the first counts, as in the journal. Values that are no finite
    numbers are left out.
    """
    first: dict[int, float] = {}
    for step, value in points:
        first.setdefault(step, value)
    return tuple((step, first[step]) for step in sorted(first) if math.isfinite(first[step]))
