"""A machine whose memory runs out: Ray kills what runs on it, and the curve stays the same.

It kills many processes at once. What is left of the run may go on, or end in a sentence.
"""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from clism_ray.config import PretrainConfig
from tests.drilled_run import (
    ROOT,
    Driver,
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


Record = Callable[..., None]


@pytest.fixture
def threshold() -> float:
    """The share of this machine's memory that is used once `ROOM` more is."""
    memory = psutil.virtual_memory()
    if memory.available < ROOM + 4 * 2**30:
        pytest.skip(f"takes {(ROOM >> 30) + 4} GiB that nobody uses")
    return (memory.total - memory.available + ROOM) / memory.total


def goes_on(driver: Driver, config: PretrainConfig) -> None:
    """Wait for the end of the run; if it is none, what is said, and the command again."""
    code = driver.process.wait()
    if code:
        last = [line for line in driver.printed().splitlines() if line.strip()][-2:]
        assert "training failed" in last[0]
        assert "started again, it goes on" in last[1]
        run_to_end(config)


def test_when_others_take_the_memory_a_run_goes_on_or_says_so(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record, threshold: float
) -> None:
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
        goes_on(driver, config)
    record("all its processes, as others took the memory; the command again", run, undisturbed)


def test_when_a_worker_takes_the_memory_a_run_goes_on_or_says_so(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record, threshold: float
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    ate = tmp_path / "ate"
    checkpoints = run / "checkpoints"
    point = ("os.mkdir", "step-00000040", str(checkpoints / "step-00000020/rank-00000.json"))
    dies = "\n".join([*point, str(ate), "by memory"])
    with driver_of(
        config,
        DIES_AT=dies,
        PYTHONPATH=str(ROOT / "tests" / "dies_at"),
        RAY_memory_usage_threshold=f"{threshold:.4f}",
    ) as driver:
        goes_on(driver, config)
    assert ate.exists()
    assert any("takes less" in entry.values["problem"] for entry in events(run, "workers lost"))
    record("a worker that took all memory, and whatever Ray killed with it", run, undisturbed)
