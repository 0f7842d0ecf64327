"""Ray Data's executor, the thread that hands out tasks: silent, and at rest between its rounds.

Where it has nothing to wait for, as when finished blocks wait for whoever takes them, Ray begins
the next round at once. In a training worker, of whose process it is a thread, that takes a core,
and the interpreter from the steps.

What a dataset may use is asked of an actor, whose answer Ray looks for once a second. Until then
it may use nothing, and one task runs at a time: here it is asked again in every round at first.
"""

import logging
import time
import warnings
from typing import Any

from ray.data import DataContext
from ray.data._internal.execution import streaming_executor_state
from ray.data._internal.execution.execution_callback import ExecutionCallback

ROUND_SECONDS = 0.025  # from the beginning of one to that of the next
FIRST_ROUNDS = 400  # in which Ray is made to look for what it may use, if that is nothing as yet
_WAITS = streaming_executor_state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S  # Ray itself, in a round


class _Ask(ExecutionCallback):  # type: ignore[misc]  # Ray has no types
    """Called by the executor after each round: makes Ray look again where it may use nothing."""

    def __init__(self) -> None:
        self._rounds_left = FIRST_ROUNDS

    def on_execution_step(self, executor: Any) -> None:
        if self._rounds_left:
            self._rounds_left -= 1
            resources = executor._resource_manager
            if resources.get_global_limits().is_zero():
                resources._global_limits_last_update_time = 0.0


class _Pause(ExecutionCallback):  # type: ignore[misc]
    """Likewise: rests until the next round is due."""

    def __init__(self) -> None:
        self._due = 0.0

    def on_execution_step(self, executor: object) -> None:
        time.sleep(max(0.0, self._due - time.monotonic()))
        self._due = time.monotonic() + ROUND_SECONDS


def settings(prompt: bool = False) -> DataContext:
    """Those of the datasets that this process makes from now on.

    `prompt`, of all its datasets until this is called again: a task that ends is seen in the next
    round; else a round waits up to 0.1 seconds for all tasks to end, which leaves cores idle
    between short ones, and the thread more at rest.
    """
    waits = ROUND_SECONDS if prompt else _WAITS
    streaming_executor_state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S = waits
    for name, level in (
        ("execution.streaming_executor", logging.WARNING),
        ("progress", logging.ERROR),
    ):
        logging.getLogger(f"ray.data._internal.{name}").setLevel(level)
    warnings.filterwarnings("ignore", message="The maximum number of concurrent tasks")
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.custom_execution_callback_classes = [_Ask, _Pause]
    return context
