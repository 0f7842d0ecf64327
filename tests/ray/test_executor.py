"""How Ray Data's executor is set."""

import time
from typing import Any

import pytest
import ray
from ray.data._internal.execution import streaming_executor_state as state
from ray.data._internal.execution.execution_callback import ExecutionCallback

from clism_ray.executor import ROUND_SECONDS, settings

pytestmark = pytest.mark.ray


def test_rounds_are_prompt_until_others_are_asked_for() -> None:
    """By the constant that Ray's loop reads: if Ray renames it, importing fails."""
    usual = state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S
    settings(prompt=True)
    assert state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S == ROUND_SECONDS < usual
    assert not settings().enable_progress_bars
    assert usual == state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S


@pytest.mark.usefixtures("ray_cluster")
def test_all_cpus_are_a_datasets_before_its_first_second_is_over() -> None:
    """Ray itself looks for them once a second, and allows a dataset nothing before."""
    rounds: list[tuple[float, float]] = []  # when, and how many CPUs there were

    class Watch(ExecutionCallback):  # type: ignore[misc]  # Ray has no types
        def on_execution_step(self, executor: Any) -> None:
            cpus = executor._resource_manager.get_global_limits().cpu
            rounds.append((time.monotonic(), cpus))

    def wait(batch: dict[str, Any]) -> dict[str, Any]:
        time.sleep(1)
        return batch

    context = settings(prompt=True)
    context.custom_execution_callback_classes.append(Watch)
    try:
        for _ in range(2):  # the actor that is asked starts with the first dataset of a cluster
            rounds.clear()
            ray.data.range(4, override_num_blocks=4).map_batches(wait).materialize()
    finally:
        settings()
    assert next(when for when, cpus in rounds if cpus) - rounds[0][0] < 0.8
