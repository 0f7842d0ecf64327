"""How many workers an elastic run has: as Ray Train decides, but after a checkpoint.

Ray Train ends workers where they stand once there is room for more of them, or for fewer.
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

from ray.train import ScalingConfig
from ray.train.v2._internal.execution.scaling_policy import (
    ElasticScalingPolicy,
    NoopDecision,
    ResizeDecision,
    ScalingDecision,
)

from clism_ray.train.resize import ask_to_save, go_on, saved
from clism_ray.train.stop import asked_to_stop


class SaveFirst(ElasticScalingPolicy):  # type: ignore[misc]
    """Runs in Ray Train's controller, which goes on watching the workers meanwhile.

    An error here would end the run: where storage fails, the workers are ended unsaved.
    """

    def __init__(self, scaling_config: ScalingConfig, run: str) -> None:
        super().__init__(scaling_config)
        self.run = Path(run)
        self.asked = False

    def after_controller_start(self, train_run_context: Any) -> None:
        """Forget what an earlier start asked for, if it did not live to do so."""
        super().after_controller_start(train_run_context)
        self._forget()

    def make_decision_for_running_worker_group(
        self, worker_group_state: Any, worker_group_status: Any
    ) -> ScalingDecision:
        """Another number of workers, once those there are have saved."""
        if not self.asked:
            return self._ask(self._decide(worker_group_state, worker_group_status))
        self._maybe_send_resource_request()  # what is not asked for again is given to others
        if not self._saved():
            return NoopDecision()
        self._latest_monitor_time = -math.inf  # the room may be gone that there was
        decision = self._decide(worker_group_state, worker_group_status)
        if isinstance(decision, ResizeDecision):
            self.asked = False
        else:
            self._forget()
        return decision

    def make_decision_for_non_running_worker_group(self) -> ScalingDecision:
        """How many workers to start; nobody is there who could save."""
        if self.asked:
            self._forget()
        return super().make_decision_for_non_running_worker_group()

    def _decide(self, state: Any, status: Any) -> ScalingDecision:
        with suppress(OSError):
            if asked_to_stop(self.run):  # they save, and end
                return NoopDecision()
        return super().make_decision_for_running_worker_group(state, status)

    def _ask(self, decision: ScalingDecision) -> ScalingDecision:
        if isinstance(decision, ResizeDecision):
            with suppress(OSError):
                ask_to_save(self.run)
                self.asked = True
                return NoopDecision()
        return decision

    def _saved(self) -> bool:
        try:
            return saved(self.run)
        except OSError:
            return True

    def _forget(self) -> None:
        self.asked = False
        with suppress(OSError):
            go_on(self.run)
