"""The order of an epoch: laws that hold for every corpus, batch size and number of workers."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clism_ray.masking.order import (
    Plan,
    Slot,
    fixed_microbatches,
    rows_of,
    slot,
    slots_per_worker,
    worker_slots,
)

PLANS = st.builds(
    Plan,
    st.lists(st.integers(1, 12), min_size=1, max_size=8).map(tuple),
    st.integers(1, 7),
    st.integers(1, 6),
    st.integers(0, 2**40),
)
EPOCHS = st.integers(0, 5)


def rows_in_order(plan: Plan, epoch: int) -> list[tuple[int, int]]:
    """(window, row) of a whole epoch."""
    return [
        (part.window, row)
        for microbatch in range(plan.microbatches)
        for part in rows_of(plan, epoch, microbatch)
        for row in part.rows
    ]


@given(PLANS, EPOCHS)
def test_every_row_comes_exactly_once_an_epoch(plan: Plan, epoch: int) -> None:
    every = {(w, row) for w, rows in enumerate(plan.window_rows) for row in range(rows)}
    assert Counter(rows_in_order(plan, epoch)) == Counter(every)


@given(PLANS, EPOCHS)
def test_every_microbatch_but_the_last_is_full(plan: Plan, epoch: int) -> None:
    sizes = [
        sum(len(part.rows) for part in rows_of(plan, epoch, microbatch))
        for microbatch in range(plan.microbatches)
    ]
    assert set(sizes[:-1]) <= {plan.pairs}
    assert 1 <= sizes[-1] <= plan.pairs


@given(PLANS, EPOCHS)
def test_a_window_is_read_in_one_go(plan: Plan, epoch: int) -> None:
    windows = [window for window, _ in rows_in_order(plan, epoch)]
    changes = sum(a != b for a, b in pairwise(windows))
    assert changes == len(plan.window_rows) - 1


@given(PLANS, st.integers(0, 30), st.data())
def test_the_workers_of_a_step_take_its_slots_in_turn_however_many_they_are(
    plan: Plan, step: int, data: st.DataObject
) -> None:
    workers = data.draw(st.integers(1, plan.slots))
    alone = worker_slots(plan, step, step + 1, 0, 1)
    shared = {rank: worker_slots(plan, step, step + 1, rank, workers) for rank in range(workers)}
    for index, expected in enumerate(alone):
        assert shared[index % workers][index // workers] == expected
    real = [slot.microbatch for slots in shared.values() for slot in slots]
    known = [slot.microbatch for slot in alone if slot.microbatch is not None]
    assert sorted(k for k in real if k is not None) == known


@given(PLANS, st.data())
def test_every_worker_runs_as_many_microbatches(plan: Plan, data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, plan.slots))
    turns = slots_per_worker(plan.slots, workers)
    counts = {len(worker_slots(plan, 0, 3, rank, workers)) for rank in range(workers)}
    assert counts == {3 * turns}
    assert turns * workers - plan.slots in range(workers)


@given(PLANS, st.integers(0, 20), st.integers(0, 20), st.data())
def test_a_run_that_resumes_at_any_step_goes_on_as_if_it_had_not_stopped(
    plan: Plan, start: int, more: int, data: st.DataObject
) -> None:
    workers = data.draw(st.integers(1, plan.slots))
    rank = data.draw(st.integers(0, workers - 1))
    whole = worker_slots(plan, 0, start + more, rank, workers)
    tail = worker_slots(plan, start, start + more, rank, workers)
    assert tail == whole[start * slots_per_worker(plan.slots, workers) :]


@given(PLANS, EPOCHS)
def test_only_slots_past_the_end_of_an_epoch_are_empty(plan: Plan, epoch: int) -> None:
    first = epoch * plan.steps
    slots = worker_slots(plan, first, first + plan.steps, 0, 1)
    assert {slot.epoch for slot in slots} == {epoch}
    microbatches = [slot.microbatch for slot in slots]
    assert microbatches[: plan.microbatches] == list(range(plan.microbatches))
    assert set(microbatches[plan.microbatches :]) <= {None}
    assert len(microbatches) - plan.microbatches < plan.slots


def test_slots_that_fill_up_the_last_turn_of_some_workers_are_empty() -> None:
    plan = Plan((100,), pairs=5, slots=4, seed=1)
    turn = [slot(plan, 0, rank, 3, 1) for rank in range(3)]
    assert turn == [Slot(0, 0, 3), Slot(0, 0, None), Slot(0, 0, None)]


def test_other_epochs_and_other_seeds_give_other_orders() -> None:
    plan, other = (Plan((40, 40, 40), 8, 2, seed) for seed in (1, 2))
    orders = [rows_in_order(plan, 0), rows_in_order(plan, 1), rows_in_order(other, 0)]
    orders.append(sorted(orders[0]))
    assert len({tuple(order) for order in orders}) == 4
    assert rows_in_order(plan, 1) == rows_in_order(Plan((40, 40, 40), 8, 2, 1), 1)


@given(st.integers(0, 50), st.integers(1, 9))
def test_validation_takes_rows_as_they_stand(rows: int, pairs: int) -> None:
    runs = fixed_microbatches(rows, pairs)
    assert [row for run in runs for row in run] == list(range(rows))
    assert all(1 <= len(run) <= pairs for run in runs)
