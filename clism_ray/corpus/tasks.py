"""One function, many tasks: Ray Data as a parallel map whose errors a user can read."""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from errno import ENOSPC
from typing import Any, TypeVar

import pyarrow as pa
import ray
from ray import cloudpickle
from ray.data import ExecutionResources, TaskPoolStrategy

from clism_ray import cluster
from clism_ray.config_corpus import PrepareResources
from clism_ray.errors import InputError, Unavailable
from clism_ray.placement import carriers

ResultT = TypeVar("ResultT")
_OUTCOME = pa.schema([("result", pa.binary()), ("error", pa.binary())])


def each(
    function: Callable[..., ResultT],
    arguments: Sequence[tuple[Any, ...]],
    resources: PrepareResources,
    watch: Callable[[ResultT], None] = lambda result: None,
    gpus: float = 0.0,
) -> list[ResultT]:
    """function(*entry) for every entry of `arguments`, a task each; results in that order.

    `watch` sees each result as soon as it is there. Raises InputError if no node has the `gpus`
    that a task needs.
    """
    able = carriers(cluster.nodes(), resources.labels)
    there = max((node.resources.get("GPU", 0.0) for node in able), default=0.0)
    if gpus > there:
        raise InputError(
            f"resources.gpus_per_task is {gpus:g}, but no node of the cluster has more than "
            f"{there:g} GPU; give resources.gpus_per_task=0 to find spans on CPUs"
        )

    def at_place(batch: pa.Table) -> pa.Table:
        place = batch["place"][0].as_py()
        return attempt(lambda: (place, function(*arguments[place])))

    tasks = places(len(arguments)).map_batches(at_place, **options(resources, gpus))
    by_place: dict[int, ResultT] = {}
    for place, result in results(tasks.iter_rows()):
        watch(result)
        by_place[place] = result
    return [by_place[place] for place in range(len(arguments))]


def attempt(function: Callable[[], Any]) -> pa.Table:
    """A result, pickled, or the error that a user is to read.

    An exception that leaves a task would be tried again and arrive wrapped in tracebacks.
    """
    result, error = b"", None
    try:
        result = cloudpickle.dumps(function())
    except (InputError, OSError) as problem:
        readable = problem if isinstance(problem, InputError) else disk_full(problem)
        if readable is None:
            raise
        error = cloudpickle.dumps(type(readable)(str(readable)))
    return pa.Table.from_pylist([{"result": result, "error": error}], schema=_OUTCOME)


def results(outcomes: Iterable[dict[str, Any]]) -> Iterator[Any]:
    """What the functions of `attempt` returned; raises the first InputError among outcomes."""
    for outcome in outcomes:
        if outcome["error"] is not None:
            raise cloudpickle.loads(outcome["error"])
        yield cloudpickle.loads(outcome["result"])


def places(number: int) -> Any:
    """A dataset of {"place": n}, a block each, so that each is a task."""
    return ray.data.from_items(
        [{"place": place} for place in range(number)], override_num_blocks=number
    )


def options(resources: PrepareResources, gpus: float = 0.0) -> dict[str, Any]:
    """Of `map_batches`: one row of a Table to a task."""
    return {
        "batch_size": 1,
        "batch_format": "pyarrow",
        "num_cpus": resources.cpus_per_task,
        "num_gpus": gpus,
        "label_selector": resources.labels or None,
        "compute": TaskPoolStrategy(size=resources.max_tasks),
    }


def bound(dataset: Any, waiting: int, resources: PrepareResources) -> None:
    """Let at most so many bytes wait between tasks for each task that runs at a time.

    Without it Ray lets them grow with the corpus, up to a share of the nodes' memory.
    """
    able = carriers(cluster.nodes(), resources.labels)
    cpus = sum(node.resources.get("CPU", 0.0) for node in able)
    tasks = resources.max_tasks or cpus / resources.cpus_per_task
    limits = ExecutionResources(object_store_memory=int(tasks * waiting))
    dataset.context.execution_options.resource_limits = limits


def disk_full(error: OSError | InputError) -> InputError | None:
    """The error to show where a device is full; None for any other error."""
    if not isinstance(error, OSError) or error.errno != ENOSPC:
        return None
    return Unavailable(
        f"no space left on the device{f' of {error.filename}' if error.filename else ''}: "
        "preparation needs about three times the size of its output; free some and start it "
        "again, which goes on from here, or choose an output on another device"
    )


def quiet() -> None:
    """No progress bars and no notes on each execution: stages report themselves."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    for name, level in (
        ("execution.streaming_executor", logging.WARNING),
        ("progress", logging.ERROR),
    ):
        logging.getLogger(f"ray.data._internal.{name}").setLevel(level)
    warnings.filterwarnings("ignore", message="The maximum number of concurrent tasks")
