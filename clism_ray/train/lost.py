"""What people are told when workers died, or raised what nobody expected."""

import re

from clism_ray.errors import causes, in_a_line, root_of
from clism_ray.train import journal
from clism_ray.train.status import WORKERS_LOST

# Ray's of workers that it killed and PyTorch's on a GPU, Python's, PyTorch's on a CPU.
_NO_MEMORY = re.compile(
    r"OutOfMemoryError:|MemoryError:|.*(can't allocate memory|CUDA error: out of memory)", re.DOTALL
)
_ADVICE = (
    "; a worker takes less with scaling.activation_checkpointing=true, or as one of more under a "
    "higher zero.stage"
)


def lost(step: int, error: BaseException) -> journal.Entry:
    """The entry of a run's journal."""
    return journal.entry("event", step, {"status": WORKERS_LOST, "problem": why(error)})


def why(error: BaseException) -> str:
    """What an error came from, in a line; where memory did not suffice, that, and what helps."""
    for cause in causes(error):
        if _NO_MEMORY.match(f"{type(cause).__name__}: {cause}"):
            return in_a_line(cause) + _ADVICE
    return root_of(error)
