"""Ray Tune's word on the trials of a sweep: kept in its record, and given back after a restart."""

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.util.placement_group import PlacementGroup, remove_placement_group

from clism_ray.errors import causes, input_error_in
from clism_ray.train import progress
from clism_ray.train.run import RESERVATION
from clism_ray.train.space import OBJECTIVE, STEP, curve_of, trial_name
from clism_ray.train.status import FAILED, FINISHED, RUNNING, STOPPED_EARLY
from clism_ray.train.sweep_record import TrialRecord, change_trial, read_sweep

_GRACE_SECONDS = 5.0  # for a stopped trial's controller to go; it would start new workers


class RecordTrials(tune.Callback):  # type: ignore[misc]
    """What becomes of each trial. Ray Tune pickles it, so it holds names and nothing else."""

    def __init__(self, folder: str, sweep: str, keys: tuple[str, ...], steps: int) -> None:
        self.folder = folder
        self.sweep = sweep
        self.keys = keys  # those that are searched
        self.steps = steps  # of a whole trial
        self.ended: list[tuple[float, str]] = []  # when, which: their reservations may still stand

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Begin, or begin again."""
        values = {key: _plain(trial.config[key]) for key in self.keys}
        self._change(trial, values=values, status=RUNNING, problem=None)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The end of a trial, its own or the scheduler's."""
        whole = trial.last_result.get(STEP, 0) >= self.steps
        self._over(trial, status=FINISHED if whole else STOPPED_EARLY)
        remove_checkpoints(Path(self.folder))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial that failed too often: told with its values, and the sweep goes on."""
        error = trial.get_pickled_error() or trial.get_error() or RuntimeError("cause unknown")
        problem = str(input_error_in(error) or list(causes(error))[-1])
        record = self._over(trial, status=FAILED, problem=problem)
        name = trial_name(self.sweep, trial.trial_id)
        print(f"trial {name} failed: {problem}\n  {progress.settings(record.values)}", flush=True)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Free what trials held that were cut short, once their own controllers are gone."""
        while self.ended and time.time() - self.ended[0][0] > _GRACE_SECONDS:
            _, name = self.ended.pop(0)
            free_reservation(Path(self.folder) / "runs" / name)

    def _over(self, trial: Any, **changes: Any) -> TrialRecord:
        self.ended.append((time.time(), trial_name(self.sweep, trial.trial_id)))
        return self._change(trial, **changes)

    def _change(self, trial: Any, **changes: Any) -> TrialRecord:
        name = trial_name(self.sweep, trial.trial_id)
        return change_trial(Path(self.folder), name, delivered=False, **changes)


class RememberingAsha(ASHAScheduler):  # type: ignore[misc]
    """ASHA that knows, after a restart, what the trials before it reached.

    Ray Tune restores a scheduler as it was before the first trial: alone, it would let the next
    trial pass every rung.
    """

    def __init__(
        self, folder: str, sweep: str, objective: str, steps: int, **settings: Any
    ) -> None:
        super().__init__(time_attr=STEP, max_t=steps + 1, **settings)
        self.folder = folder
        self.sweep = sweep
        self.objective = objective
        self.reminded = False

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Before the first trial, see those of earlier starts."""
        if not self.reminded:
            self.reminded = True
            self._remind(tune_controller)
        super().on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether a trial goes on. One that took all its steps does: it has a model to leave."""
        said = str(super().on_trial_result(tune_controller, trial, result))
        return self.CONTINUE if result[STEP] >= self._max_t - 1 else said

    def _remind(self, tune_controller: Any) -> None:
        for name in read_sweep(Path(self.folder)).trials:
            known = SimpleNamespace(trial_id=name.removeprefix(trial_name(self.sweep, "")))
            super().on_trial_add(tune_controller, known)
            for step, value in curve_of(Path(self.folder), name, self.objective):
                self.on_trial_result(tune_controller, known, {STEP: step, OBJECTIVE: value})


def free_reservation(run: Path) -> None:
    """Give back the CPUs and GPUs of a run that no longer runs. Nothing if they are free."""
    path = run / RESERVATION
    if path.is_file():
        group = PlacementGroup(ray.PlacementGroupID.from_hex(path.read_text(encoding="utf-8")))
        remove_placement_group(group)
        path.unlink()


def remove_checkpoints(folder: Path) -> None:
    """Remove those of the trials that are over: of many trials they are much.

    A trial that is stopped may still be writing one; so all are looked at whenever one ends.
    """
    for name, trial in read_sweep(folder).trials.items():
        if trial.status in (FINISHED, STOPPED_EARLY):
            shutil.rmtree(folder / "runs" / name / "checkpoints", ignore_errors=True)


def _plain(value: Any) -> Any:
    """A sampled value as JSON knows it."""
    return value.item() if isinstance(value, np.generic) else value
