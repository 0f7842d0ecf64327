"""What Ray Train's controller hears of a run's workers, on its way to the journal."""

from pathlib import Path
from typing import Any

from ray.train import UserCallback
from ray.train.v2._internal.execution.callback import ControllerCallback

from clism_ray.train import journal
from clism_ray.train.lost import lost
from clism_ray.train.status import TRAINING


class JournalCallback(UserCallback):  # type: ignore[misc]
    """Runs in Ray Train's controller, beside who called `fit`: reports go to the journal.

    What cannot be written is tried again with the next report: an error here would end the run.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.step = 0
        self.at_work = False  # workers have begun
        self.lost = False  # and their end was told
        self.waiting: list[journal.Entry] = []

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Append what rank 0 reported."""
        entries = [journal.Entry(**entry) for entry in metrics[0]["entries"]]
        self.append(entries)
        self.step = max([self.step, *(entry.step for entry in entries)])
        if any(entry.values.get("status") == TRAINING for entry in entries):
            self.at_work, self.lost = True, False

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        """Append that workers died, or raised what nobody expected, and why the first did."""
        if not self.lost:  # it is heard again for as long as the others are left alone
            self.append([lost(self.step, next(iter(worker_exceptions.values())))])
        self.lost = True

    def append(self, entries: list[journal.Entry]) -> None:
        """Append entries, and those before them that found no room."""
        self.waiting += entries
        journal.append_waiting(Path(self.path), self.waiting)


class EndOfWorkers(ControllerCallback):  # type: ignore[misc]
    """Tells the journal of workers that Ray Train ends before they die: their node is leaving."""

    def __init__(self, to_journal: JournalCallback) -> None:
        self.to_journal = to_journal

    def after_controller_state_update(self, previous_state: Any, current_state: Any) -> None:
        """Append why workers are gone, if no exception of theirs has told."""
        end = getattr(current_state, "next_state", current_state)
        error = getattr(end, "training_failed_error", None)
        if error is None:
            return
        if self.to_journal.at_work and not self.to_journal.lost:
            self.to_journal.append([lost(self.to_journal.step, error)])
        self.to_journal.at_work = self.to_journal.lost = False
