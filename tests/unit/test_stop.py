"""A run that is asked to stop by SIGTERM."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from clism_ray.train.stop import asked_to_stop, stopping_on_sigterm


def test_sigterm_asks_a_run_to_stop_and_stays_what_it_was_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping_on_sigterm(tmp_path):
        assert not asked_to_stop(tmp_path)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked_to_stop(tmp_path)
    assert "asked to stop" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_wish_that_cannot_be_printed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python refuses a print inside of a print that a signal interrupts."""

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stdout>'>")

    with stopping_on_sigterm(tmp_path):
        monkeypatch.setattr("builtins.print", refuse)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked_to_stop(tmp_path)


def test_a_new_start_forgets_what_an_earlier_one_was_asked(tmp_path: Path) -> None:
    for _ in range(2):
        with stopping_on_sigterm(tmp_path):
            assert not asked_to_stop(tmp_path)
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
