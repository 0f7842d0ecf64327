"""Following a run from the driver: its journal to MLflow and to the terminal as it goes on."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clism_ray.store import Store, StoreFailed
from clism_ray.tracking import Tracker
from clism_ray.train import journal, progress

_POLL_SECONDS = 0.5
PASS_SECONDS = 5.0  # that a pass gives a slow store: the terminal waits meanwhile


@contextmanager
def following(passes: Iterator[None], store: Store) -> Iterator[None]:
    """Take a pass twice a second in the background, and a last one at the end.

    In the last one a store is asked that was silent a moment ago.
    """
    ended = threading.Event()
    defects: list[Exception] = []

    def follow() -> None:
        over = False
        while not over:
            over = ended.wait(_POLL_SECONDS)
            if over:
                store.ask_anyway()
            try:
                next(passes)
            except Exception as error:
                defects.append(error)
                return

    follower = threading.Thread(target=follow, daemon=True, name="follower")
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
    if defects:  # told only now: following must not stop what it follows
        raise defects[0]


def follow_run(path: Path, tracker: Tracker, log_every: int, steps: int) -> Iterator[None]:
    """Each pass delivers what is new in the journal to MLflow and to the terminal.

    Shown is what was measured from now on: what an earlier start left is delivered only.
    """
    return _passes(path, tracker, log_every, steps, time.time_ns() // 1_000_000)


def _passes(path: Path, tracker: Tracker, log_every: int, steps: int, shown: int) -> Iterator[None]:
    position = 0
    person = sys.stdout.isatty()
    last: journal.Entry | None = None
    undelivered: list[journal.Entry] = []
    while True:
        entries, position = journal.read_from(path, position)
        undelivered += entries
        for entry in entries:
            if entry.time < shown:  # of an earlier start, or reported once more after a restart
                continue
            shown = entry.time
            if entry.kind != "train" or entry.step % log_every == 0:
                rate = _seconds_per_step(last, entry)
                print(progress.describe(entry, steps, rate, person), flush=True)
                last = entry if entry.kind == "train" else last
        try:
            if tracker.deliver(undelivered, PASS_SECONDS):
                undelivered = []
        except StoreFailed as error:
            tracker.store.tell(error, path)
        yield


def _seconds_per_step(before: journal.Entry | None, now: journal.Entry) -> float:
    if before is None or now.step <= before.step:
        return 0.0
    return (now.time - before.time) / 1000 / (now.step - before.step)
