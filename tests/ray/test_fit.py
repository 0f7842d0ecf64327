"""What Ray Train would do to a run, and does not: workers that cannot meet, and Ctrl-C."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import GetTimeoutError
from ray.util import placement_group_table

from clism_ray.config import ScalingConfig
from clism_ray.errors import WorkersLost
from clism_ray.train import fit as module
from clism_ray.train import journal, launch
from clism_ray.train.fit import fit
from clism_ray.train.reports import EndOfWorkers, JournalCallback
from clism_ray.train.stop import Interrupted
from tests.corpora import write_tiny_corpus
from tests.tiny_run import tiny_run

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


@pytest.mark.drill
def test_workers_that_cannot_meet_are_begun_again_and_give_back_their_room(tmp_path: Path) -> None:
    scaling = {"workers": 2, "cpus_per_worker": 1.5, "backend": "nccl", "max_restarts": 1}
    config = tiny_run(tmp_path / "corpus", tmp_path, scaling, length={"steps": 3})
    job: Any = SimpleNamespace(run=str(tmp_path), config=config)
    with pytest.raises(WorkersLost, match=r"set up, 2 times \(\w+: .*NCCL"):
        fit(print, job)  # of four CPUs: what a start keeps, the next one lacks
    told = [entry.values["status"] for entry in journal.read_from(tmp_path / "journal.jsonl", 0)[0]]
    assert told == ["workers lost"] * 2
    states = {group["state"] for group in placement_group_table().values()}
    assert states == {"REMOVED"}


@pytest.mark.parametrize(
    ("scaling", "nodes", "threads"),
    [
        ({"workers": 1}, 1, 8),
        ({"workers": 3}, 1, 2),
        ({"workers": 9}, 1, 1),
        ({"workers": 8, "cpus_per_worker": 15}, 4, 15),  # of nodes with more cores than this one
        ({"workers": 2, "cpus_per_worker": 1}, 4, 1),
        ({"workers": 2, "cpus_per_worker": 0.5}, 4, 4),
    ],
)
def test_a_worker_has_a_thread_for_each_of_its_cpus(
    scaling: dict[str, Any], nodes: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert module._threads(ScalingConfig(**scaling), nodes) == threads


def end_with(path: Path, end: BaseException | None) -> None:
    """What Ray Train's `fit` does to a driver: its handler of SIGINT stays."""
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    if end:
        raise end
    journal.append(path, [journal.entry("event", 3, {"status": "finished"})])


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException | None = None) -> str:
    monkeypatch.setattr(
        module,
        "_trainer",
        lambda loop, job, path, *_: SimpleNamespace(fit=lambda: end_with(path, end)),
    )
    config = tiny_run(folder / "corpus", folder, length={"steps": 3})
    job: Any = SimpleNamespace(run=str(folder), config=config)
    return fit(print, job)


def test_ctrl_c_is_afterwards_what_it_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert run(tmp_path, monkeypatch) == "finished"
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_is_an_interruption_even_if_the_controller_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []

    def get(_: Any, timeout: float) -> None:
        asked.append(timeout)
        raise GetTimeoutError("it looks for nodes")

    monkeypatch.setattr(module.ray, "get", get)
    controller = SimpleNamespace(abort=SimpleNamespace(remote=lambda: None))
    before = signal.getsignal(signal.SIGINT)
    try:
        module._Trainer._register_sigint_handler(Any, controller)
        for _ in "first", "second, for which nobody is asked":
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(asked) == 1


def test_a_sigterm_that_no_workers_are_there_to_follow_stops_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, monkeypatch, Interrupted()) == "stopped"


def report_of(*steps: int) -> list[dict[str, Any]]:
    return [{"entries": [journal.Entry(1, "train", step, {})._asdict() for step in steps]}]


def test_what_the_journal_cannot_take_waits_for_the_next_report(small_disk: Path) -> None:
    path = small_disk / "journal.jsonl"
    callback = JournalCallback(str(path))
    callback.after_report(None, report_of(1), None)
    others = small_disk / "of others"
    with suppress(OSError):
        others.write_bytes(bytes(8 * 2**20))
    callback.after_report(None, report_of(*range(2, 200)), None)
    callback.after_exception(None, {0: RuntimeError("gone")})
    others.unlink()
    callback.after_report(None, report_of(200), None)
    steps = [entry.step for entry in journal.read_from(path, 0)[0]]
    assert steps == [*range(1, 200), 199, 200]


def told_by(path: Path) -> list[str]:
    entries, _ = journal.read_from(path, 0)
    return [entry.values["problem"] for entry in entries if "problem" in entry.values]


def test_workers_that_are_ended_for_their_node_are_told_of_as_those_that_die(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.jsonl"
    callback = JournalCallback(str(path))

    def fail(error: str) -> None:
        state = SimpleNamespace(training_failed_error=RuntimeError(error))
        EndOfWorkers(callback).after_controller_state_update(None, state)

    begins = [{"entries": [journal.Entry(1, "event", 0, {"status": "training"})._asdict()]}]
    fail("nobody had begun")
    callback.after_report(None, begins, None)
    EndOfWorkers(callback).after_controller_state_update(None, SimpleNamespace())
    fail("a node leaves")
    callback.after_report(None, begins, None)
    for _ in range(3):
        callback.after_exception(None, {0: RuntimeError("gone")})
    fail("they are gone")
    callback.after_exception(None, {0: RuntimeError("gone before they began")})
    end = SimpleNamespace(next_state=SimpleNamespace(training_failed_error=RuntimeError("so")))
    EndOfWorkers(callback).after_controller_state_update(None, end)
    told = ["a node leaves", "gone", "gone before they began"]
    assert told_by(path) == [f"RuntimeError: {problem}" for problem in told]


def test_a_record_that_finds_no_room_does_not_hide_what_ended_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: Any, **__: Any) -> str:
        (tmp_path / "runs" / "run" / "run.tmp").mkdir()
        raise WorkersLost("the workers are gone")

    monkeypatch.setattr(launch, "fit", end)
    write_tiny_corpus(tmp_path / "corpus", rows=40)
    config = tiny_run(tmp_path / "corpus", tmp_path, length={"steps": 3})
    with pytest.raises(WorkersLost, match=r"the workers are gone\nstarted again, it goes on"):
        launch.train_planned(launch.plan_run(config))
