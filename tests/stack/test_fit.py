"""What becomes of a run whose workers cannot be set up, and of Ctrl-C afterwards."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.train import ControllerError

from clism_ray.errors import InputError, WorkersLost
from clism_ray.train import fit as module
from clism_ray.train import journal
from clism_ray.train.fit import fit
from tests.tiny_run import tiny_run

REFUSED = ControllerError(ConnectionError("the port was taken in between\nand a traceback"))


class Trainer:
    """Ray Train's, as far as `fit` sees it: each start fails as told, and the one after ends."""

    def __init__(self, path: Path, failures: list[BaseException], starts: list[int]) -> None:
        self.path, self.failures, self.starts = path, failures, starts

    def fit(self) -> None:
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))  # as Ray Train's does, and leaves it
        self.starts.append(len(self.starts))
        if self.failures:
            raise self.failures.pop(0)
        journal.append(self.path, [journal.entry("event", 3, {"status": "finished"})])


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Fit with trainers that fail so; the starts that were made."""

    def run(*failures: BaseException, restarts: int = 2) -> list[int]:
        starts: list[int] = []
        left = list(failures)
        monkeypatch.setattr(
            module, "_trainer", lambda loop, job, path, *_: Trainer(path, left, starts)
        )
        config = tiny_run(tmp_path / "corpus", tmp_path, length={"steps": 3})
        job: Any = SimpleNamespace(run=str(tmp_path), config=config)
        try:
            assert fit(print, job, restarts=restarts) == "finished"
        finally:
            assert len(starts) <= restarts + 1
        return starts

    return run


def test_workers_that_cannot_be_set_up_are_tried_again_and_told(
    start: Callable[..., list[int]], tmp_path: Path
) -> None:
    assert len(start(REFUSED, REFUSED)) == 3
    told = [entry.values for entry in journal.read(tmp_path / journal.JOURNAL)]
    lost = {"status": "workers lost", "problem": "ConnectionError: the port was taken in between"}
    assert told == [lost, lost, {"status": "finished"}]


def test_after_as_many_restarts_as_may_be_the_reason_is_told(
    start: Callable[..., list[int]],
) -> None:
    with pytest.raises(
        WorkersLost, match=r"failed after 2 restart\(s\): ConnectionError: the port was taken"
    ):
        start(REFUSED, REFUSED, REFUSED)


def test_what_the_user_gave_is_not_tried_again(start: Callable[..., list[int]]) -> None:
    with pytest.raises(InputError, match="no such device"):
        start(ControllerError(InputError("no such device")))


def test_ctrl_c_is_afterwards_what_it_was_before(start: Callable[..., list[int]]) -> None:
    before = signal.getsignal(signal.SIGINT)
    start(REFUSED)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_in_training_is_an_interruption_and_no_success(
    start: Callable[..., list[int]],
) -> None:
    with pytest.raises(KeyboardInterrupt):
        start(SystemExit(0))  # what Ray Train's handler raises
