"""The stream of a worker's micro-batches, made by Ray Data wherever there is a free CPU.

    INPUT   one row per micro-batch: its number in the worker's own list
    map     order arithmetic -> rows of the corpus -> examples -> one micro-batch as bytes
    OUTPUT  one row per micro-batch, in the same order

Each worker has a dataset of its own, a list of micro-batch numbers that `order` computes from
(step, rank, workers). So what a worker gets depends on no splitter's balancing, a restart begins
at any step at no cost, and no single executor stands between the corpus and a thousand workers.
"""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import ray.data
from ray.data import ExecutionResources, TaskPoolStrategy

from clism_ray import executor
from clism_ray.config import ScalingConfig
from clism_ray.masking.collate import from_bytes, to_bytes
from clism_ray.masking.microbatch import Recipe, build, open_recipe
from clism_ray.masking.order import Plan, Slot, slot, slots_per_worker
from clism_ray.records import Batch

MICROBATCHES_PER_TASK = 8  # a task costs some milliseconds of scheduling
MICROBATCHES_PER_DATASET = 2048  # bounds what a dataset plans ahead
STORE_BYTES = 256 * 2**20  # of one worker's stream in the object store


def stream(
    recipe: Recipe,
    start: int,
    stop: int,
    rank: int,
    workers: int,
    scaling: ScalingConfig,
) -> Iterator[tuple[Slot, Batch]]:
    """A worker's micro-batches from global step `start` to `stop` (exclusive), in order.

    `scaling` says what a task takes, how many there are at once, and on which nodes.
    """
    options = {
        "num_cpus": scaling.cpus_per_data_task,
        "label_selector": scaling.data_labels or None,
        "compute": TaskPoolStrategy(size=scaling.data_tasks_per_worker),
    }
    plan = open_recipe(recipe).plan
    turns = slots_per_worker(plan.slots, workers)
    steps_per_dataset = max(1, MICROBATCHES_PER_DATASET // turns)
    for first in range(start, stop, steps_per_dataset):
        count = min(steps_per_dataset, stop - first) * turns
        task = {"recipe": recipe, "start": first, "rank": rank, "workers": workers}
        for index, row in enumerate(_dataset(count, task, options).iter_rows()):
            yield nth_slot(plan, first, rank, workers, index), _checked(row, index)


def nth_slot(plan: Plan, start: int, rank: int, workers: int, index: int) -> Slot:
    """The slot of a worker's `index`-th micro-batch counted from the beginning of a step."""
    step, turn = divmod(index, slots_per_worker(plan.slots, workers))
    return slot(plan, start + step, rank, workers, turn)


def build_rows(
    rows: dict[str, np.ndarray], recipe: Recipe, start: int, rank: int, workers: int
) -> dict[str, Any]:
    """The task: numbers in, micro-batches as bytes out."""
    plan = open_recipe(recipe).plan
    batches = [
        to_bytes(build(recipe, nth_slot(plan, start, rank, workers, int(index))))
        for index in rows["id"]
    ]
    return {"id": rows["id"], "batch": np.array(batches, dtype=object)}


def _dataset(count: int, task: dict[str, Any], options: dict[str, Any]) -> ray.data.Dataset:
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = executor.settings()
    context.raise_original_map_exception = True  # wrapped, it would lose what it came from
    context.execution_options.preserve_order = True
    context.execution_options.resource_limits = ExecutionResources(object_store_memory=STORE_BYTES)
    # Not range or from_arrow: both begin with tasks that each ask for a whole CPU.
    numbers = [{"id": number} for number in range(count)]
    tasks = -(-count // MICROBATCHES_PER_TASK)
    return ray.data.from_items(numbers, override_num_blocks=tasks).map_batches(
        build_rows, batch_size=None, fn_kwargs=task, **options
    )


def _checked(row: dict[str, Any], index: int) -> Batch:
    if row["id"] != index:
        raise RuntimeError(f"the stream delivered micro-batch {row['id']} in place of {index}")
    return from_bytes(row["batch"])
