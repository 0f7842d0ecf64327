"""Which rows steps used, as a number that adds up, and what it must come to.

The digest of some rows is the sum of a hash of each row id modulo 2^53. Neither order nor division
changes it: the digests of workers add up to that of a step, those of steps to that of an epoch, and
what an epoch comes to follows from its number of rows alone. Rows that were used twice or never
change it, but for one case in 2^53. So many bits, since a double holds them exactly, as JSON and
MLflow have it.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clism_ray.masking.order import Plan, rows_of, worker_slots
from clism_ray.records import Batch

MODULUS = 2**53
_CHUNK = 2**20  # rows that are hashed together


class Used(NamedTuple):
    """Rows that were used, each as often as it was."""

    rows: int
    digest: int


def digest(row_ids: NDArray[np.int64]) -> int:
    """The sum of the rows' hashes, modulo `MODULUS`."""
    # 2^53 divides 2^64, so sums may wrap: this one, and that of a thousand workers in 64 bits.
    return int(_hashes(row_ids).sum(dtype=np.uint64)) % MODULUS


def digest_of(batches: Iterable[Batch]) -> int:
    """The digest of all pairs that were read for some micro-batches, those left out among them."""
    rows = [part for b in batches for part in (b.row_id_B[b.row_id_B >= 0], b.left_out_R)]
    return sum(map(digest, rows)) % MODULUS


def total(parts: Iterable[Used]) -> Used:
    """All rows of all parts."""
    rows, digests = 0, 0
    for part in parts:
        rows, digests = rows + part.rows, digests + part.digest
    return Used(rows, digests % MODULUS)


def due_by_step(plan: Plan) -> Iterator[Used]:
    """What each step of a run is due to use, from the first on, by the arithmetic of its order.

    Row ids are dense from 0: a window begins where the one before it ends.
    """
    starts = np.cumsum([0, *plan.window_rows])
    step = 0
    while True:
        parts = [
            starts[part.window] + np.asarray(part.rows, dtype=np.int64)
            for slot in worker_slots(plan, step, step + 1, rank=0, workers=1)
            if slot.microbatch is not None
            for part in rows_of(plan, slot.epoch, slot.microbatch)
        ]
        yield total(Used(len(rows), digest(rows)) for rows in parts)
        step += 1


def due_by_epoch(rows: int) -> Used:
    """What an epoch is due to use: rows 0 to `rows` - 1, once each."""
    bounds = [*range(0, rows, _CHUNK), rows]
    ranges = [np.arange(start, stop) for start, stop in pairwise(bounds)]
    return total(Used(len(part), digest(part)) for part in ranges)


def discrepancies(used: Mapping[int, Used], plan: Plan) -> list[str]:
    """What speaks against steps having used every row of their epochs exactly once; or nothing.

    Args:
        used: by step, from 1, what it used.
        plan: the order arithmetic of the run.
    """
    found = [
        f"step {step} is missing" for step in range(1, max(used, default=0)) if step not in used
    ]
    found += [
        f"step {step} used {used[step]}, due was {due}"
        for step, due in enumerate(islice(due_by_step(plan), max(used, default=0)), 1)
        if step in used and used[step] != due
    ]
    due = due_by_epoch(sum(plan.window_rows))
    for epoch in range(max(used, default=0) // plan.steps):
        steps = range(epoch * plan.steps + 1, (epoch + 1) * plan.steps + 1)
        came_to = total(used[step] for step in steps if step in used)
        if came_to != due:
            found.append(f"epoch {epoch} came to {came_to}, due was {due}")
    return found


def _hashes(row_ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """53 bits of each row id mixed as in SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = row_ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)
