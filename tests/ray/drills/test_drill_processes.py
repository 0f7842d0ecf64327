"""Processes of a run that die or stand still: the curve stays the same."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from clism_ray.cli import INTERRUPTED, STOPPED
from clism_ray.train.checkpoint import steps_saved
from tests.drilled_run import (
    LONG,
    configuration,
    data_workers,
    driver_of,
    ended,
    folder,
    run_to_end,
    training_workers,
    wait_for,
    wait_for_steps,
)
from tests.drills import events, longest_wait, restarts

pytestmark = [pytest.mark.ray, pytest.mark.drill]

Record = Callable[..., None]


@pytest.mark.parametrize("dying", [1, 2], ids=["one", "both"])
def test_training_workers_that_are_killed_are_replaced(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record, dying: int
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 28, driver)
        for worker in training_workers()[:dying]:
            worker.kill()
        ended(driver)
    assert len(events(run, "training")) == 2
    record(["one of two training workers", "both training workers"][dying - 1], run, undisturbed)


def test_a_run_that_loses_workers_more_often_than_it_may_says_so_and_the_command_goes_on(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record
) -> None:
    config = configuration(corpus, tmp_path, scaling={"max_restarts": 1})
    run = folder(config)
    with driver_of(config) as driver:
        for step in (28, 90):
            wait_for_steps(run, step, driver)
            training_workers()[0].kill()
        out = ended(driver, code=1)
    assert "training failed after 1 restart(s)" in out
    assert "started again, it goes on from the last checkpoint" in out
    assert "Traceback" not in out
    run_to_end(config)
    record("a worker, once more than restarts are allowed; the command again", run, undisturbed)


def test_data_workers_that_are_killed_are_not_missed(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    killed: set[int] = set()

    def others() -> list[psutil.Process]:
        return [worker for worker in data_workers() if worker.pid not in killed]

    with driver_of(config) as driver:
        for _ in range(3):  # micro-batches are made ahead of the steps, so at once
            wait_for(others, driver)
            for worker in others():
                killed.add(worker.pid)
                with suppress(psutil.NoSuchProcess):
                    worker.kill()
        ended(driver)
    assert restarts(run) == []
    record("data workers, three times", run, undisturbed, waited=longest_wait(run))


@pytest.mark.parametrize(
    ("sign", "code", "what"),
    [
        (signal.SIGKILL, -signal.SIGKILL, "the driver; the command again"),
        (signal.SIGINT, INTERRUPTED, "nothing: Ctrl-C; the command again"),
    ],
    ids=["killed", "interrupted"],
)
def test_the_command_goes_on_where_its_driver_ended(
    corpus: Path,
    tmp_path: Path,
    undisturbed: Path,
    record: Record,
    sign: signal.Signals,
    code: int,
    what: str,
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 28, driver)
        driver.process.send_signal(sign)
        out = ended(driver, code)
    assert ("interrupted" in out) == (code == INTERRUPTED)
    assert "Traceback" not in out
    run_to_end(config)
    assert len(events(run, "training")) == 2
    record(what, run, undisturbed)


def test_a_worker_that_stands_still_for_30_s_goes_on_where_it_was(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record
) -> None:
    config = configuration(corpus, tmp_path)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 28, driver)
        stopped = training_workers()[0]
        stopped.suspend()
        time.sleep(30)
        stopped.resume()
        ended(driver)
    assert restarts(run) == []
    waited = longest_wait(run)
    assert waited > 25
    record("nothing: a worker stood still for 30 s", run, undisturbed, waited=waited)


def test_a_run_that_is_asked_to_stop_takes_a_checkpoint_and_goes_on_from_it_elsewhere(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for storage in (here, there):
        storage.mkdir()
    config = configuration(corpus, there)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 28, driver)
        driver.process.send_signal(signal.SIGTERM)
        out = ended(driver, code=STOPPED)
    assert "ends after this step" in out
    (stopped,) = events(run, "stopped")
    assert stopped.step == steps_saved(run)[0]
    moved = replace(configuration(corpus, here, workers=1), resume_from=str(run))
    run_to_end(moved)
    begun = [(entry.step, entry.values["workers"]) for entry in events(folder(moved), "training")]
    assert begun == [(0, 2), (stopped.step, 1)]
    what = "nothing: SIGTERM; another storage and other workers"
    record(what, folder(moved), undisturbed)


def test_a_second_job_of_the_same_name_is_refused_and_the_first_goes_on(
    corpus: Path, tmp_path: Path, long_undisturbed: Path, record: Record
) -> None:
    config = configuration(corpus, tmp_path, steps=LONG)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 25, driver)
        with driver_of(config) as second:
            out = ended(second, code=2)
        assert driver.process.poll() is None, "the first was over"
        ended(driver)
    assert f"driven by process {driver.process.pid}" in out
    assert restarts(run) == []
    what = "nothing: a second job of the same name began"
    record(what, run, long_undisturbed, waited=longest_wait(run))
