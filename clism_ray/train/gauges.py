"""A run's figures for Prometheus, through the metrics port of the node that its controller is on.

Ray puts `ray_` before each name; `run` tells runs apart.
"""

from collections.abc import Sequence
from typing import Any

from ray.train import UserCallback
from ray.util.metrics import Counter, Gauge

from clism_ray.train.journal import Entry

_GAUGES = {  # metric of the journal -> name and what it says
    "speed/pairs_per_second": ("clism_pairs_per_second", "Pairs trained on, over all workers"),
    "speed/tokens_per_second": ("clism_tokens_per_second", "Tokens trained on, over all workers"),
    "speed/examples_per_second": ("clism_examples_per_second", "Examples of a fine-tuning"),
    "speed/data_wait": ("clism_data_wait", "Share of a step spent waiting for data"),
    "loss/total": ("clism_loss", "Weighted loss of the newest reported step"),
}


class PublishGauges(UserCallback):  # type: ignore[misc]
    """Runs in Ray Train's controller, as the journal's callback does, and sees what that sees."""

    def __init__(self, run: str) -> None:
        self.tags = {"run": run}
        self.gauges: dict[str, Gauge] = {}  # made where they are used: they cannot be sent
        self.restarts: Counter | None = None

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Set the gauges to the newest step that rank 0 reported."""
        self.publish([Entry(**entry) for entry in metrics[0]["entries"]])

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        """Count that workers were lost."""
        if self.restarts is None:
            about = "How often workers died, or raised what nobody expected"
            self.restarts = Counter("clism_workers_lost", about, tag_keys=("run",))
        self.restarts.inc(1, self.tags)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Set the gauges to the last of some entries."""
        steps = [entry for entry in entries if entry.kind == "train"]
        if not steps:
            return
        self._set("clism_step", "Optimizer steps done", steps[-1].step)
        for metric, (name, about) in _GAUGES.items():
            if metric in steps[-1].values:
                self._set(name, about, steps[-1].values[metric])

    def _set(self, name: str, about: str, value: float) -> None:
        if name not in self.gauges:
            self.gauges[name] = Gauge(name, about, tag_keys=("run",))
        self.gauges[name].set(value, self.tags)
