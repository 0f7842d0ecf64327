"""MLflow: one run per training run, kept across restarts; its metrics, artefacts and tags.

Everything goes through an explicit client and run id: nothing is "active", nothing is global.
Only the driver calls this, so a SQLite store has one writer. The store may be away at any time.
What is written here is then in the journal, with its times, and is delivered once: after a request
without an answer the store is asked what it has.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, RunStatus
from mlflow.utils.git_utils import get_git_commit
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.store import ExperimentDeleted, Store, StoreAway, StoreFailed, time_for_files
from clism_ray.tracked_run import NewRun, open_run
from clism_ray.train import journal
from clism_ray.train.journal import Entry
from clism_ray.train.status import FAILED, FINISHED, STOPPED, STOPPED_EARLY
from clism_ray.train.tracking_record import read_tracking

PARENT = MLFLOW_PARENT_RUN_ID  # the tag that makes a run another one's child
_ENDS = {
    FINISHED: RunStatus.FINISHED,
    STOPPED: RunStatus.KILLED,
    STOPPED_EARLY: RunStatus.KILLED,
    FAILED: RunStatus.FAILED,
}
_BATCH = 500  # metrics of one request; MLflow takes up to 1000
_LAST_SECONDS = 30.0  # that the end of a run waits for a slow store to take metrics


class Tracker:
    """A run in a store: found or made there as soon as the store answers."""

    def __init__(self, store: Store, new: NewRun, run_id: str | None = None) -> None:
        """`run_id` is that of an earlier start, if only the caller knows it."""
        self.store = store
        self.new = new
        self.run_id: str | None = read_tracking(new.folder).get("mlflow_run", run_id)
        self._is_open = False
        self._held: dict[str, int] = {}  # metric -> its last step in the store
        self._reached: dict[str, int] = {}  # kind of entries -> the last step delivered

    def open(self) -> None:
        """Find the run, or make it, if that is not done. Raises StoreFailed."""
        if self._is_open:
            return
        self.run_id, self._held = open_run(self.store, self.new, self.run_id)
        self._reached = {}
        self._is_open = True

    def deliver(self, entries: Iterable[Entry], seconds: float = math.inf) -> bool:
        """Log metrics by step, each once: those the store has are passed over.

        Whether all are there now: after so many seconds, no further request is made. Raises
        StoreFailed where the store fails; the same entries may then be given again.
        """
        self.open()
        until = time.monotonic() + seconds
        for request in _requests(filter(self._is_news, journal.first_of_each(entries))):
            if time.monotonic() > until:
                return False
            metrics = [
                Metric(name, float(value), entry.time, entry.step)
                for entry in request
                for name, value in entry.values.items()
            ]
            self._tell(lambda client, run, metrics=metrics: client.log_batch(run, metrics))
            self._reached |= {entry.kind: entry.step for entry in request}
        self.store.took_all()
        return True

    def tag(self, **tags: str) -> None:
        """Set tags of the run. Raises StoreFailed."""
        self.open()
        for key, value in tags.items():
            self._tell(lambda client, run, key=key, value=value: client.set_tag(run, key, value))

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """Keep a file, or all files of a folder, with the run. Raises StoreFailed."""
        self.open()
        with time_for_files(path):
            self._tell(
                lambda client, run: (
                    client.log_artifacts if path.is_dir() else client.log_artifact
                )(run, str(path), folder)
            )

    def end(
        self, status: str, entries: Sequence[Entry], artefacts: Sequence[tuple[Path, str | None]]
    ) -> None:
        """Deliver what is missing, keep files, end the run.

        `status` is one of `train.status`. Raises StoreFailed if the store does not take all of it,
        and soon.
        """
        if not self.deliver(entries, _LAST_SECONDS):
            raise StoreAway(f"it takes more than {_LAST_SECONDS:g} s to do so")
        for path, folder in artefacts:
            self.log_file(path, folder)
        end = RunStatus.to_string(_ENDS[status])
        last = max((entry.time for entry in entries), default=None)
        self._tell(lambda client, run: client.set_terminated(run, end, last))

    def close(
        self, status: str, entries: Sequence[Entry], artefacts: Sequence[tuple[Path, str | None]]
    ) -> bool:
        """`end`, as the last word to the store: says so if it does not take it. Whether it did."""
        self.store.ask_anyway()
        try:
            self.end(status, entries, artefacts)
        except StoreFailed as error:
            print(
                f"MLflow did not take the end of {self.new.name} ({error}); all of it is in "
                f"{self.new.folder}: the same command, started again, delivers it",
                flush=True,
            )
            return False
        return True

    def _is_news(self, entry: Entry) -> bool:
        if entry.kind == "event" or entry.step <= self._reached.get(entry.kind, -1):
            return False
        # Requests hold whole entries, by step: the store has all of one or nothing.
        return not all(self._held.get(name, -1) >= entry.step for name in entry.values)

    def _tell(self, request: Any) -> None:
        try:
            self.store.ask(lambda client: request(client, self.run_id))
        except StoreAway:
            self._is_open = False  # it may have taken the request: look before the next
            raise


def _requests(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries in lists of so many that each list is a request."""
    gathered: list[Entry] = []
    size = 0
    for entry in entries:
        if gathered and size + len(entry.values) > _BATCH:
            yield gathered
            gathered, size = [], 0
        gathered.append(entry)
        size += len(entry.values)
    if gathered:
        yield gathered


def check(store: Store) -> None:
    """Raise InputError if the store can never be used; one that is only silent says so."""
    try:
        store.ask(lambda client: client.search_experiments(max_results=1))
    except StoreAway:
        pass
    except StoreFailed as error:
        raise _unusable(store, error) from error


def _unusable(store: Store, error: StoreFailed) -> InputError:
    if isinstance(error, ExperimentDeleted):
        return InputError(str(error))
    return InputError(
        f"tracking.uri {masked(store.uri)!r} cannot be used: {error}\n"
        "give the address of an MLflow server or database, or leave tracking.uri out to use a "
        "file under storage"
    )


def start(store: Store, new: NewRun, run_id: str | None = None) -> Tracker:
    """The run `run_id`, or a new one; if the store does not answer, it is opened when it does.

    A run that the store has lost is begun anew: the journal still holds its metrics.

    Raises InputError if the store can never be used.
    """
    tracker = Tracker(store, new, run_id)
    try:
        tracker.open()
    except StoreAway:
        pass
    except StoreFailed as error:
        raise _unusable(store, error) from error
    return tracker


def git_commit() -> str:
    """The commit of the code that runs, where it runs from a checkout."""
    return get_git_commit(str(Path(__file__).resolve().parent)) or "unknown"
