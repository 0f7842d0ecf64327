"""The journal of a run: every metric, on disk beside the driver, before anything else sees it.

One JSON line an entry, `{"time": ms, "kind": "train" | "validation" | "test" | "event", "step": n,
"values": {...}}`. After a restart some steps run a second time; they come out equal, and readers
take the first of each.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

JOURNAL = "journal.jsonl"


class Entry(NamedTuple):
    """Metrics of one step, or an event of the run."""

    time: int  # milliseconds since 1970
    kind: str
    step: int  # optimizer steps done
    values: dict[str, Any]


def entry(kind: str, step: int, values: dict[str, Any]) -> Entry:
    """An entry of this moment."""
    return Entry(time.time_ns() // 1_000_000, kind, step, values)


def append(path: Path, entries: Iterable[Entry]) -> None:
    """Add entries in one write, so that a reader meets whole lines only.

    A line that a crash left half written is cut off first: readers never saw it. Raises OSError if
    not all of them can be written; then none is there.
    """
    text = "".join(json.dumps(item._asdict()) + "\n" for item in entries)
    left = memoryview(text.encode())
    with path.open("a+b", buffering=0) as file:  # what a buffer holds would follow later
        _cut_torn_line(file)
        end = file.seek(0, os.SEEK_END)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            file.truncate(end)
            raise


def append_waiting(path: Path, waiting: list[Entry]) -> None:
    """Add the entries that wait, and empty the list; all go on waiting if a disk is full, say."""
    try:
        append(path, waiting)
    except OSError:
        return
    waiting.clear()


def _cut_torn_line(file: FileIO) -> None:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(size - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def read_from(path: Path, position: int) -> tuple[list[Entry], int]:
    """The entries after a byte position, and the position after them."""
    if not path.is_file():
        return [], position
    with path.open("rb") as file:
        file.seek(position)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    entries = [Entry(**json.loads(line)) for line in whole.splitlines()]
    return entries, position + len(whole)


def first_of_each(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries without those of steps that ran again after a restart."""
    reached: dict[str, int] = {}
    for item in entries:
        if item.kind == "event":
            yield item
        elif item.step > reached.get(item.kind, -1):
            reached[item.kind] = item.step
            yield item


def read(path: Path) -> list[Entry]:
    """The whole journal, each step once."""
    return list(first_of_each(read_from(path, 0)[0]))


def step_seconds(path: Path) -> list[float]:
    """Seconds of each step in a journal, but for those in which masking kept no pair.

    A step tells a rate, which is that of the pairs that were kept.
    """
    steps = [item.values for item in read(path) if item.kind == "train"]
    rates = [(values["data/pairs"], values["speed/pairs_per_second"]) for values in steps]
    return [pairs / rate for pairs, rate in rates if rate]
