"""A machine whose memory runs out: Ray kills what runs on it, and the curve stays the same.

It kills many processes at once. What is left of the run may go on, or end in a sentence.
"""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.drilled_run import (
    configuration,
    driver_of,
    folder,
    run_to_end,
    wait_for,
    wait_for_steps,
)
from tests.drills import events

pytestmark = [pytest.mark.ray, pytest.mark.drill]

ROOM = 8 * 2**30  # from what is used now to where Ray takes it for too much
PIECE = 256 * 2**20


def test_when_others_take_the_memory_a_run_goes_on_or_says_so(
    corpus: Path,
    tmp_path: Path,
    undisturbed: Path,
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
        code = driver.process.wait()
        out = driver.printed()
    if code:
        last = [line for line in out.splitlines() if line.strip()][-2:]
        assert "training failed" in last[0]
        assert "started again, it goes on" in last[1]
        run_to_end(config)
    record("all its processes, as others took the memory; the command again", run, undisturbed)
