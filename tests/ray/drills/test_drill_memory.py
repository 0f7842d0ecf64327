"""A machine whose memory runs out: Ray kills what runs on it, and the curve stays the same."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.drilled_run import configuration, driver_of, ended, folder, wait_for, wait_for_steps
from tests.drills import events

pytestmark = [pytest.mark.ray, pytest.mark.drill]

ROOM = 8 * 2**30  # from what is used now to where Ray takes it for too much
PIECE = 256 * 2**20


def test_when_others_take_the_memory_workers_are_killed_and_replaced(
    corpus: Path,
    tmp_path: Path,
    undisturbed: dict[int, float],
    record: Callable[..., None],
) -> None:
    memory = psutil.virtual_memory()
    if memory.available < ROOM + 4 * 2**30:
        pytest.skip(f"takes {(ROOM >> 30) + 4} GiB that nobody uses")
    threshold = (memory.total - memory.available + ROOM) / memory.total
    config = configuration(corpus, tmp_path)
    run = folder(config)
    held: list[bytearray] = []

    def one_more() -> bool:
        held.append(bytearray(b"x" * PIECE))
        assert len(held) * PIECE < ROOM, "Ray has killed no worker"
        return bool(events(run, "workers lost"))

    with driver_of(config, RAY_memory_usage_threshold=f"{threshold:.4f}") as driver:
        wait_for_steps(run, 28, driver)
        wait_for(one_more, driver)
        held.clear()
        ended(driver)
    record("a worker, as others took the memory", run, undisturbed)
