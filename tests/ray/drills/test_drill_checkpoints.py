"""Checkpoints that are cut short, damaged, or find no room: the one before counts."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from clism_ray.train.checkpoint import complete, folder_of
from tests.drilled_run import (
    ROOT,
    configuration,
    driver_of,
    ended,
    folder,
    newest_checkpoint,
    run_to_end,
    training_workers,
    wait_for_steps,
)
from tests.drills import events

pytestmark = [pytest.mark.ray, pytest.mark.drill]

Record = Callable[..., None]

SECOND, THIRD = (f"step-{step:08d}" for step in (40, 60))
POINTS = {  # event, what it is about, what must be there before, the step that is gone on from
    "when its folder is made": ("os.mkdir", SECOND, "step-00000020/rank-00000.json", 20),
    "before its files are listed": (
        "os.rename",
        rf"{SECOND}/rank-00001\.tmp",
        "step-00000020/rank-00000.json",
        20,
    ),
    "before an older one goes": (
        "shutil.rmtree",
        "step-00000020",
        f"{THIRD}/rank-00000.json",
        60,
    ),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_that_dies_while_it_writes_a_checkpoint_spoils_nothing(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record, point: str
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    event, about, after, step = POINTS[point]
    died = tmp_path / "died"
    told = "\n".join([event, about, str(run / "checkpoints" / after), str(died)])
    run_to_end(config, DIES_AT=told, PYTHONPATH=str(ROOT / "tests" / "dies_at"))
    assert died.exists()
    assert [entry.step for entry in events(run, "training")] == [0, step]
    record(f"a worker at a checkpoint, {point}", run, undisturbed)


def test_a_damaged_checkpoint_is_passed_over(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 45, driver)
        orphans = training_workers()
        driver.process.kill()
    psutil.wait_procs(orphans)  # they might finish one more
    newest = newest_checkpoint(run)
    assert newest
    state = next(newest.glob("state-*"))
    state.write_bytes(state.read_bytes()[::-1])
    run_to_end(config)
    (damaged,) = events(run, "checkpoint damaged")
    assert folder_of(run, damaged.step) == newest
    assert 0 < events(run, "training")[1].step < damaged.step
    record("the driver, and a file of its newest checkpoint", run, undisturbed)


def test_a_full_disk_is_told_and_with_more_room_the_command_goes_on(
    corpus: Path, small_disk: Path, undisturbed: Path, record: Record
) -> None:
    resize(small_disk, "24m")
    config = configuration(corpus, small_disk)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 25, driver)
        (small_disk / "of others").write_bytes(bytes(shutil.disk_usage(small_disk).free - 2**16))
        out = ended(driver, code=1)
    assert out.splitlines()[-1].startswith("no room for the checkpoint of step")
    assert "MLflow takes no metrics (database or disk is full)" in out
    assert "Traceback" not in out
    newest = newest_checkpoint(run)
    assert newest
    assert complete(newest)
    resize(small_disk, "64m")
    run_to_end(config)
    record("nothing: the disk was full; more room, the command again", run, undisturbed)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)
