"""How Ray Data's executor is set."""

from ray.data._internal.execution import streaming_executor_state as rounds

from clism_ray.executor import ROUND_SECONDS, settings


def test_rounds_are_prompt_until_others_are_asked_for() -> None:
    """By the constant that Ray's loop reads: if Ray renames it, importing fails."""
    usual = rounds.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S
    settings(prompt=True)
    assert rounds.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S == ROUND_SECONDS < usual
    assert not settings().enable_progress_bars
    assert usual == rounds.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S
