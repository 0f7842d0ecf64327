"""Exactly once: whatever fails and however many workers go on, the weights have seen an epoch."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.masking import order
from clism_ray.masking.collate import empty_batch
from clism_ray.masking.ledger import (
    MODULUS,
    Used,
    digest,
    digest_of,
    discrepancies,
    due_by_epoch,
    due_by_step,
    total,
)
from clism_ray.masking.order import Plan, rows_of, slot, slots_per_worker, worker_slots
from clism_ray.train.audit import audit_entries
from clism_ray.train.journal import Entry

PLANS = st.builds(
    Plan,
    st.lists(st.integers(1, 12), min_size=1, max_size=8).map(tuple),
    st.integers(1, 7),
    st.integers(1, 6),
    st.integers(0, 2**40),
)
ROWS = st.lists(st.integers(0, 2**62), max_size=20)
STARTS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), max_size=6)  # workers, steps


def ids(rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


@given(ROWS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))), st.integers(0))
def test_a_digest_knows_neither_order_nor_division(
    orders: tuple[list[int], list[int]], cut: int
) -> None:
    rows, mixed = orders
    parts = [Used(len(part), digest(ids(part))) for part in (mixed[:cut], mixed[cut:])]
    assert total(parts) == Used(len(rows), digest(ids(rows)))
    assert 0 <= digest(ids(rows)) == int(float(digest(ids(rows)))) < MODULUS


@given(ROWS, ROWS)
def test_a_digest_tells_other_rows_apart(rows: list[int], others: list[int]) -> None:
    same = Counter(rows) == Counter(others)
    assert (digest(ids(rows)) == digest(ids(others))) == same
    assert digest(ids(rows)) != digest(ids([*rows, 3]))


def test_rows_that_were_left_out_count_and_dummies_do_not() -> None:
    assert digest_of([empty_batch()]) == 0
    assert digest_of([empty_batch({"long": 2}, [4, 9]), empty_batch()]) == digest(ids([9, 4]))


def test_sums_of_64_bits_that_wrap_come_to_the_same() -> None:
    """As workers add theirs up: a sum over the edge is negative there."""
    wrapped = np.full(2**11, MODULUS - 1, dtype=np.int64).sum()
    assert int(wrapped) % MODULUS == 2**11 * (MODULUS - 1) % MODULUS


def row_ids(plan: Plan, step: int, rank: int, workers: int) -> list[int]:
    """What a worker reads in a step."""
    starts = [sum(plan.window_rows[:window]) for window in range(len(plan.window_rows))]
    return [
        starts[part.window] + row
        for place in worker_slots(plan, step, step + 1, rank, workers)
        if place.microbatch is not None
        for part in rows_of(plan, place.epoch, place.microbatch)
        for row in part.rows
    ]


class Run:
    """A run that dies after so many steps of each start, and begins again at its checkpoint."""

    def __init__(self, plan: Plan, steps: int, save_every: int) -> None:
        self.plan, self.steps, self.save_every = plan, steps, save_every
        self.weights: list[int] = []  # the row ids that went into them
        self.saved: tuple[int, list[int]] = (0, [])
        self.journal: list[Entry] = []

    def start(self, workers: int, dies_after: int) -> None:
        step, self.weights = self.saved[0], list(self.saved[1])
        while step < self.steps and dies_after:
            shares = [row_ids(self.plan, step, rank, workers) for rank in range(workers)]
            self.weights += [row for share in shares for row in share]
            step, dies_after = step + 1, dies_after - 1
            self.journal.append(entry(step, shares))
            if step % self.save_every == 0:
                self.saved = step, list(self.weights)


def entry(step: int, shares: list[list[int]]) -> Entry:
    """Every fifth row is left out of its micro-batch."""
    rows = [row for share in shares for row in share]
    dropped = sum(row % 5 == 0 for row in rows)
    values = {
        "data/pairs": float(len(rows) - dropped),
        "dropped/long": float(dropped),
        "data/row_digest": sum(digest(ids(share)) for share in shares) % MODULUS,
    }
    return Entry(0, "train", step, values)


@given(PLANS, st.integers(1, 2), st.integers(1, 5), STARTS, st.data())
def test_whatever_fails_and_whoever_goes_on_each_row_is_used_once_an_epoch(
    plan: Plan, epochs: int, save_every: int, starts: list[tuple[int, int]], data: st.DataObject
) -> None:
    run = Run(plan, epochs * plan.steps, save_every)
    for workers, steps in starts:
        run.start(min(workers, plan.slots), steps)
    run.start(data.draw(st.integers(1, plan.slots)), run.steps)
    assert Counter(run.weights) == Counter([*range(sum(plan.window_rows))] * epochs)
    assert audit_entries(run.journal, plan) == []
    spoilt = data.draw(st.sampled_from(run.journal))
    at = run.journal.index(spoilt)
    other = {**spoilt.values, "data/row_digest": spoilt.values["data/row_digest"] + 1}
    told = audit_entries([*run.journal[:at], spoilt._replace(values=other)], plan)
    assert any(f"step {spoilt.step} used" in line for line in told)


@given(PLANS, st.integers(0, 3))
def test_an_epoch_is_due_what_its_steps_are(plan: Plan, epoch: int) -> None:
    first = epoch * plan.steps
    steps = islice(due_by_step(plan), first, first + plan.steps)
    assert total(steps) == due_by_epoch(sum(plan.window_rows))


def test_steps_that_are_missing_or_used_other_rows_are_named() -> None:
    plan = Plan((10, 10), pairs=2, slots=5, seed=3)  # two steps an epoch
    used = dict(enumerate(islice(due_by_step(plan), 4), 1))
    assert discrepancies(used, plan) == []
    swapped = {**used, 1: used[2], 2: used[1]}
    assert discrepancies(swapped, plan) == [
        f"step 1 used {used[2]}, due was {used[1]}",
        f"step 2 used {used[1]}, due was {used[2]}",
    ]
    told = discrepancies({step: used[step] for step in (1, 2, 4)}, plan)
    assert told[0] == "step 3 is missing"
    assert told[1].startswith("epoch 1 came to")
    assert len(told) == 2


@pytest.fixture
def shuffled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many things each permutation put in order, from now on."""
    sizes: list[int] = []
    real = order.generator

    class Watched:
        def __init__(self, *what: int) -> None:
            self.random = real(*what)

        def permutation(self, size: int) -> np.ndarray:
            sizes.append(size)
            return self.random.permutation(size)

    monkeypatch.setattr(order, "generator", Watched)
    forget()
    yield sizes
    forget()


def forget() -> None:
    order._window_order.cache_clear()
    order._row_order.cache_clear()


@pytest.mark.parametrize("workers", [1, 3])
def test_resuming_at_nine_tenths_of_ten_million_pairs_is_no_more_work(
    shuffled: list[int], workers: int
) -> None:
    plan = Plan((2000,) * 5000, pairs=16, slots=125, seed=1)
    work = []
    for step in (0, plan.steps * 9 // 10):
        shuffled.clear()
        forget()
        first = slot(plan, step, 0, workers, 0)
        assert first.microbatch == step * plan.slots
        rows = [row for part in rows_of(plan, first.epoch, first.microbatch) for row in part.rows]
        work.append((sorted(shuffled), len(rows), slots_per_worker(plan.slots, workers)))
    assert work[0] == work[1]
    assert work[0][0] == [2000, 5000], "the windows, and the rows of one"
