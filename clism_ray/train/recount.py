"""What an elastic run may count on, counted anew before its workers start.

Ray counts nodes every 20 s: a run whose node died would be given as many workers as before by the
old count, and wait for room that is gone until Ray Train's time to start is over. And it keeps what
a run asked for three minutes longer than its driver lives: the next start would wait for that.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.data._internal.cluster_autoscaler.default_autoscaling_coordinator import (
    get_or_create_autoscaling_coordinator,
)
from ray.exceptions import RayError
from ray.train.v2._internal.execution.callback import ControllerCallback

_PATIENCE_S = 5.0


class CountAnew(ControllerCallback):  # type: ignore[misc]
    """Runs in Ray Train's controller, whose decisions come after it."""

    def __init__(self, requester: str) -> None:
        """`requester` is a file of the run: by what name its latest start asks for room."""
        self.requester = requester

    def after_controller_start(self, train_run_context: Any) -> None:
        """Take back what a start before this one asked for, if it did not live to do so."""
        path = Path(self.requester)
        if path.is_file():
            _ask("cancel_request", path.read_text(encoding="utf-8"))
        path.write_text(f"train-{train_run_context.run_id}", encoding="utf-8")

    def before_controller_execute_failure_decision(self, failure_decision: Any) -> None:
        """Ask who keeps the count for what nobody has, which makes it count."""
        _ask("get_reserved_resources", "clism_ray", recompute=True)


def _ask(what: str, name: str, **more: Any) -> None:
    with suppress(RayError):  # then what it knows is used
        keeper = get_or_create_autoscaling_coordinator()
        ray.get(getattr(keeper, what).remote(name, **more), timeout=_PATIENCE_S)
