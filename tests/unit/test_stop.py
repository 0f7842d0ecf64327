"""A run that is asked to stop by SIGTERM."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from clism_ray.train import journal
from clism_ray.train.status import TRAINING, WORKERS_LOST
from clism_ray.train.stop import (
    Interrupted,
    asked_to_stop,
    interruptible,
    stopping_on_sigterm,
)


def told(run: Path, *statuses: str) -> None:
    entries = [journal.entry("event", 0, {"status": status}) for status in statuses]
    journal.append(run / journal.JOURNAL, entries)


def test_sigterm_asks_a_run_to_stop_and_stays_what_it_was_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping_on_sigterm(tmp_path):
        assert not asked_to_stop(tmp_path)
        told(tmp_path, TRAINING, WORKERS_LOST, TRAINING)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked_to_stop(tmp_path)
    assert "ends after this step" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("since", [(), (TRAINING, WORKERS_LOST)], ids=["not yet", "any more"])
def test_where_no_workers_are_sigterm_interrupts_the_wait_for_them_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], since: tuple[str, ...]
) -> None:
    told(tmp_path, TRAINING)  # of an earlier start
    with stopping_on_sigterm(tmp_path):
        told(tmp_path, *since)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted), interruptible(tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt), interruptible(tmp_path):
            raise KeyboardInterrupt
        os.kill(os.getpid(), signal.SIGTERM)
    assert "ends at once" in capsys.readouterr().out
    assert asked_to_stop(tmp_path)


def test_a_wish_that_cannot_be_printed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python refuses a print inside of a print that a signal interrupts."""

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stdout>'>")

    with stopping_on_sigterm(tmp_path):
        told(tmp_path, TRAINING)
        monkeypatch.setattr("builtins.print", refuse)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked_to_stop(tmp_path)


def test_a_new_start_forgets_what_an_earlier_one_was_asked(tmp_path: Path) -> None:
    for _ in range(2):
        with stopping_on_sigterm(tmp_path):
            assert not asked_to_stop(tmp_path)
            told(tmp_path, TRAINING)
            os.kill(os.getpid(), signal.SIGTERM)


def test_outside_the_main_thread_sigterm_stays_what_it_is(tmp_path: Path) -> None:
    handlers = []

    def start() -> None:
        with stopping_on_sigterm(tmp_path):
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]
