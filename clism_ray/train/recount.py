"""Counting the cluster's nodes anew before workers start again after a failure.

Ray counts them every 20 s. An elastic run whose node died would be given as many workers as before
by the old count, and wait for room that is gone until Ray Train's time to start is over.
"""

from contextlib import suppress
from typing import Any

import ray
from ray.data._internal.cluster_autoscaler.default_autoscaling_coordinator import (
    get_or_create_autoscaling_coordinator,
)
from ray.exceptions import RayError
from ray.train.v2._internal.execution.callback import ControllerCallback

_PATIENCE_S = 5.0


class CountNodesAnew(ControllerCallback):  # type: ignore[misc]
    """Runs in Ray Train's controller, whose decision comes after it."""

    def before_controller_execute_failure_decision(self, failure_decision: Any) -> None:
        """Ask who keeps the count for what nobody has, which makes it count."""
        with suppress(RayError):  # then the old count is used
            keeper = get_or_create_autoscaling_coordinator()
            count = keeper.get_reserved_resources.remote("clism_ray", recompute=True)
            ray.get(count, timeout=_PATIENCE_S)
