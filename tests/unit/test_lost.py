"""What is told of workers that were lost."""

import pytest

from clism_ray.train.lost import lost, why


class OutOfMemoryError(RuntimeError):
    """As PyTorch and Ray call theirs."""


class Failed(RuntimeError):
    """As Ray Train tells what its workers raised, by rank."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__("training failed")
        self.worker_failures = dict(enumerate(errors))


class Unhealthy(RuntimeError):
    """As Ray Train wraps the end of a worker that died."""

    def __init__(self, failure: Exception) -> None:
        super().__init__("A worker health check failed.")
        self.health_check_failure = failure


CPU = "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError(CPU),
    ],
    ids=["gpu", "python", "cpu"],
)
def test_where_memory_did_not_suffice_it_is_said_what_takes_less(error: Exception) -> None:
    told = why(Failed(Unhealthy(error), RuntimeError("connection closed by peer")))
    assert told.startswith(f"{type(error).__name__}: {error}; a worker takes less with")


def test_another_reason_is_told_alone_even_if_memory_is_among_the_guesses() -> None:
    guesses = "the actor died. Common causes: (1) the process was killed by the OOM killer"
    entry = lost(7, Failed(ConnectionError(f"{guesses}\nand more")))
    assert entry.step == 7
    assert entry.values == {"status": "workers lost", "problem": f"ConnectionError: {guesses}"}
