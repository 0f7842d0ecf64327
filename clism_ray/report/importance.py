"""How much each searched key decides the objective of a sweep.

fANOVA (Hutter, Hoos & Leyton-Brown 2014): a random forest is fitted to the trials; the importance
of a key is the share of the forest's variance that the key alone explains. With few trials it
finds the deciding key more often than PED-ANOVA does, which looks at the best tenth of them only.
"""

from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from clism_ray.report.results import Dimension, Run, Sweep
from clism_ray.train.status import FAILED

FEWEST = 4  # trials


def importance(sweep: Sweep) -> dict[str, float] | None:
    """The importance of each key, highest first; they sum to 1.

    Trials are compared after equal training: each by its objective at the latest step that all of
    them reached. Failed trials, and those without a value of their own for every key, do not count.
    None where fewer than `FEWEST` trials are left, or where all of them come out equal.
    """
    trials = comparable(sweep)
    values = [value for _, value in trials]
    if len(trials) < FEWEST or min(values) == max(values):
        return None
    distributions = {
        dimension.key: _distribution(dimension, [trial for trial, _ in trials])
        for dimension in sweep.space
    }
    study = _study(sweep.mode)
    for trial, value in trials:
        params = {d.key: _setting(d, trial) for d in sweep.space}
        study.add_trial(_told(params, distributions, value))
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {key: float(share) for key, share in found.items()}


def comparable(sweep: Sweep) -> list[tuple[Run, float]]:
    """Trials and their objective after equal training."""
    if not sweep.equal_step():  # nothing is measured, or nothing is trained yet
        return []
    found = []
    for trial in sweep.trials:
        value = sweep.fair_value(trial)
        settled = all(_setting(dimension, trial) is not None for dimension in sweep.space)
        if trial.status != FAILED and settled and value is not None:
            found.append((trial, value))
    return found


def _setting(dimension: Dimension, trial: Run) -> Any:
    """The value of a trial as optuna takes it; of a choice, its text."""
    if dimension.kind == "choice":
        return trial.params.get(dimension.key)
    at = dimension.coordinate(trial)
    return round(at) if dimension.kind == "integers" and at is not None else at


def _distribution(dimension: Dimension, trials: list[Run]) -> BaseDistribution:
    taken = [_setting(dimension, trial) for trial in trials]
    if dimension.kind == "choice":
        return CategoricalDistribution(sorted(set(taken)))
    # A value may lie outside the range by a rounding.
    low, high = min([dimension.values[0], *taken]), max([dimension.values[1], *taken])
    if dimension.kind == "integers":
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=dimension.kind == "loguniform")


def _study(mode: str) -> optuna.Study:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces every study
    try:
        direction = StudyDirection.MAXIMIZE if mode == "max" else StudyDirection.MINIMIZE
        return optuna.create_study(direction=direction)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _told(
    params: dict[str, Any], distributions: dict[str, BaseDistribution], value: float
) -> FrozenTrial:
    return create_trial(
        state=TrialState.COMPLETE, params=params, distributions=distributions, value=value
    )
