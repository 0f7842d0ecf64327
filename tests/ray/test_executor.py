"""How Ray Data's executor is set."""

import time
from typing import Any

import pytest
import ray
from ray.data._internal.execution import streaming_executor_state as rounds
from ray.data._internal.execution.execution_callback import ExecutionCallback

from clism_ray.executor import ROUND_SECONDS, settings


def test_rounds_are_prompt_until_others_are_asked_for() -> None:
    """By the constant that Ray's loop reads: if Ray renames it, importing fails."""
    usual = rounds.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S
    settings(prompt=True)
    assert rounds.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S == ROUND_SECONDS < usual
    assert not settings().enable_progress_bars
    assert usual == rounds.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S


@pytest.mark.usefixtures("ray_cluster")
def test_all_cpus_are_a_datasets_before_its_first_second_is_over() -> None:
    """By the rounds, none shorter than `ROUND_SECONDS`; Ray itself asks once a second."""
    allowed: list[float] = []

    class Watch(ExecutionCallback):  # type: ignore[misc]  # Ray has no types
        def on_execution_step(self, executor: Any) -> None:
            allowed.append(executor._resource_manager.get_global_limits().cpu)

    def wait(batch: dict[str, Any]) -> dict[str, Any]:
        time.sleep(1)
        return batch

    context = settings(prompt=True)
    context.custom_execution_callback_classes.append(Watch)
    try:
        for _ in range(2):  # the actor that is asked starts with the first dataset of a cluster
            allowed.clear()
            ray.data.range(4, override_num_blocks=4).map_batches(wait).materialize()
    finally:
        settings()
    assert max(allowed) >= 4
    assert sum(cpus == 0 for cpus in allowed) < 0.25 / ROUND_SECONDS
