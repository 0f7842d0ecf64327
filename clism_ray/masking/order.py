"""The order of an epoch, as arithmetic: which rows make micro-batch k, which worker takes it.

A window is a fixed run of rows. An epoch permutes the windows by (seed, epoch), and the rows
inside each by (seed, epoch, window). Micro-batch k of an epoch is the next m rows. Global step s
takes K slots, micro-batches sK .. sK+K-1 of its epoch; with W workers rank r takes slots r, r+W,
r+2W, ... one after the other. A slot past the end of the epoch is empty. So the data state of a
run is its number of steps, for any W, and resuming is a subtraction.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clism_ray.randomness import Use, generator


@dataclass(frozen=True, slots=True)
class Plan:
    """The arithmetic of a run. Rows of each window, pairs of a micro-batch (m), slots (K), seed."""

    window_rows: tuple[int, ...]
    pairs: int
    slots: int
    seed: int
    rows: int = field(init=False, compare=False)  # of an epoch: there may be a million windows

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", sum(self.window_rows))

    def __hash__(self) -> int:
        return hash((self.rows, len(self.window_rows), self.pairs, self.slots, self.seed))

    @property
    def microbatches(self) -> int:
        """Micro-batches of an epoch; the last one may be short."""
        return -(-self.rows // self.pairs)

    @property
    def steps(self) -> int:
        """Global steps of an epoch; the last one may have empty slots."""
        return -(-self.microbatches // self.slots)


class Slot(NamedTuple):
    """One micro-batch in its place."""

    step: int  # of the run, from 0
    epoch: int
    microbatch: int | None  # k of its epoch; None: empty


class Rows(NamedTuple):
    """Rows of one window, in the order of the epoch."""

    window: int
    rows: tuple[int, ...]


def slots_per_worker(slots: int, workers: int) -> int:
    """How many micro-batches every worker runs in a step, some perhaps empty."""
    return -(-slots // workers)


def slot(plan: Plan, step: int, rank: int, workers: int, turn: int) -> Slot:
    """What worker `rank` of `workers` runs as its `turn`-th micro-batch of a global step."""
    epoch, step_of_epoch = divmod(step, plan.steps)
    index = turn * workers + rank
    microbatch = step_of_epoch * plan.slots + index
    empty = index >= plan.slots or microbatch >= plan.microbatches
    return Slot(step, epoch, None if empty else microbatch)


def worker_slots(plan: Plan, start: int, stop: int, rank: int, workers: int) -> list[Slot]:
    """Every micro-batch of a worker from step `start` to `stop` (exclusive), in order."""
    turns = slots_per_worker(plan.slots, workers)
    return [
        slot(plan, step, rank, workers, turn)
        for step in range(start, stop)
        for turn in range(turns)
    ]


def rows_of(plan: Plan, epoch: int, microbatch: int) -> list[Rows]:
    """The rows of micro-batch k of an epoch, by window. Over an epoch, each row exactly once."""
    windows, ends = _window_order(plan, epoch)
    first = microbatch * plan.pairs
    stop = min(first + plan.pairs, int(ends[-1]))
    found = []
    place = int(np.searchsorted(ends, first, side="right"))
    while first < stop:
        window = int(windows[place])
        begin = int(ends[place]) - plan.window_rows[window]
        until = min(stop, int(ends[place]))
        order = _row_order(plan.window_rows[window], plan.seed, epoch, window)
        found.append(Rows(window, tuple(order[first - begin : until - begin].tolist())))
        first = until
        place += 1
    return found


def fixed_microbatches(rows: int, pairs: int) -> list[range]:
    """Rows 0 .. rows-1 in runs of `pairs`: the unshuffled micro-batches of validation."""
    return [range(start, min(start + pairs, rows)) for start in range(0, rows, pairs)]


@lru_cache(maxsize=4)
def _window_order(plan: Plan, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    windows = generator(Use.WINDOW_ORDER, plan.seed, epoch).permutation(len(plan.window_rows))
    return windows, np.cumsum(np.asarray(plan.window_rows, dtype=np.int64)[windows])


@lru_cache(maxsize=16)
def _row_order(rows: int, seed: int, epoch: int, window: int) -> NDArray[np.int64]:
    return generator(Use.ROW_ORDER, seed, epoch, window).permutation(rows)
