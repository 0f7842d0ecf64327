"""What may have become of a run, or of a trial of a sweep; and what its workers are at."""

from collections.abc import Mapping
from typing import Any

from clism_ray.errors import InputError, RunFailed, UnusableInput

RUNNING = "running"
FINISHED = "finished"
STOPPED = "stopped"  # by its time limit or a SIGTERM; started again, it goes on
STOPPED_EARLY = "stopped early"  # a trial, by the scheduler, because others did better
FAILED = "failed"
TRAINING = "training"  # workers that have begun, or begun again

ENDS = frozenset((FINISHED, STOPPED, FAILED))  # of a run, as its workers tell it

WARNING = "warning"  # an event of a run: it goes on, and somebody should know
CHECKPOINT_DAMAGED = "checkpoint damaged"  # an event of a run: an older one, or none, is taken
NODE_LEAVES = "node leaves"  # an event of a run: a checkpoint is taken at once
WORKERS_LOST = "workers lost"  # an event of a run: they are gone; others may go on in their place


def failed(error: InputError | RunFailed) -> dict[str, Any]:
    """How workers tell that a run failed, and whether by what the user gave."""
    told = {"status": FAILED, "problem": str(error)}
    return told | {"input": True} if isinstance(error, InputError | UnusableInput) else told


def failure(told: Mapping[str, Any]) -> InputError | RunFailed | None:
    """The error that workers told of at the end of a run, if there was one."""
    if "problem" not in told:
        return None
    kind = InputError if told.get("input") else RunFailed
    return kind(str(told["problem"]))
