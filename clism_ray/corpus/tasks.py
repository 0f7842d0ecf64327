"""One function, many tasks: Ray Data as a parallel map whose errors a user can read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from errno import EDQUOT
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import ray
from ray import cloudpickle
from ray.data import ActorPoolStrategy, ExecutionResources, TaskPoolStrategy

from clism_ray import cluster
from clism_ray.config_corpus import PrepareConfig, PrepareResources
from clism_ray.corpus import models, programs
from clism_ray.errors import InputError, Unavailable
from clism_ray.placement import carriers, check_labels
from clism_ray.train.storage import check_storage, other_nodes

ResultT = TypeVar("ResultT")
_LITTLE = 0.01  # of a CPU
_NODE_ID = "ray.io/node-id"  # a label that Ray gives each node
_OUTCOME = pa.schema([("result", pa.binary()), ("error", pa.binary())])


def check_cluster(config: PrepareConfig) -> None:
    """Raise InputError if the cluster has no nodes for the tasks of a preparation."""
    check_labels(cluster.nodes(), config.resources.labels, "resources.labels")
    if models.are_held(config):
        _check_gpus(config.resources)


def check_shared(folder: Path, resources: PrepareResources) -> None:
    """Raise InputError unless every node that tasks may go to sees a folder and writes to it."""
    able = {node.labels.get(_NODE_ID) for node in carriers(cluster.nodes(), resources.labels)}
    nodes = [node for node in other_nodes() if node.key in able]
    check_storage(folder, nodes, key="output")


def each(
    function: Callable[..., ResultT],
    arguments: Sequence[tuple[Any, ...]],
    resources: PrepareResources,
    watch: Callable[[ResultT], None] = lambda result: None,
    holds_model: bool = False,
) -> list[ResultT]:
    """function(*entry) for every entry of `arguments`, a task each; results in that order.

    `watch` sees each result as soon as it is there. What holds a model runs on actors, which load
    it once each; Unavailable if no node has the share of a GPU that each needs.
    """
    if holds_model:
        tasks = places(len(arguments)).map_batches(
            _Actor,
            fn_constructor_args=(function, arguments),
            **options(resources, _actors(resources, len(arguments)), resources.gpus_per_task),
        )
    else:
        tasks = places(len(arguments)).map_batches(
            partial(_at_place, function, arguments), **options(resources)
        )
    by_place: dict[int, ResultT] = {}
    for place, result in results(tasks.iter_rows()):
        watch(result)
        by_place[place] = result
    return [by_place[place] for place in range(len(arguments))]


def _at_place(
    function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], batch: pa.Table
) -> pa.Table:
    place = batch["place"][0].as_py()
    return attempt(lambda: (place, function(*arguments[place])))


class _Actor:
    """A process that runs a function at one place after the other, and keeps what it loads."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        self._at_place = partial(_at_place, function, arguments)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return self._at_place(batch)


def _actors(resources: PrepareResources, number: int) -> ActorPoolStrategy:
    """As many actors as the cluster has room for, and more if it grows."""
    _check_gpus(resources)
    room = sum(_there(resources, "CPU")) / resources.cpus_per_task
    if resources.gpus_per_task:
        room = min(room, sum(_there(resources, "GPU")) / resources.gpus_per_task)
    most = min(number, resources.model_actors or resources.max_tasks or number)
    return ActorPoolStrategy(min_size=max(1, min(most, int(room))), max_size=most)


def _check_gpus(resources: PrepareResources) -> None:
    """Raise Unavailable if no node has the share of a GPU that each task with a model needs."""
    most = max(_there(resources, "GPU"), default=0.0)
    if resources.gpus_per_task > most:
        raise Unavailable(
            f"resources.gpus_per_task is {resources.gpus_per_task:g}, but no node of the cluster "
            f"has more than {most:g} GPU; give resources.gpus_per_task=0 to run models on CPUs"
        )


def _there(resources: PrepareResources, kind: str) -> list[float]:
    """How much of a kind of resource each node has that tasks may go to."""
    able = carriers(cluster.nodes(), resources.labels)
    return [node.resources.get(kind, 0.0) for node in able]


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


def options(
    resources: PrepareResources, actors: ActorPoolStrategy | None = None, gpus: float = 0.0
) -> dict[str, Any]:
    """Of `map_batches`: one row of a Table to a task, or to one of the actors."""
    return {
        "batch_size": 1,
        "batch_format": "pyarrow",
        "num_cpus": resources.cpus_per_task,
        "num_gpus": gpus,
        "label_selector": resources.labels or None,
        "compute": actors or TaskPoolStrategy(size=resources.max_tasks),
    }


def bound(dataset: Any, waiting: int, resources: PrepareResources) -> None:
    """Let at most so many bytes wait between tasks for each task that runs at a time.

    Without it Ray lets them grow with the corpus, up to a share of the nodes' memory.
    """
    limits = ExecutionResources(object_store_memory=at_a_time(resources) * waiting)
    dataset.context.execution_options.resource_limits = limits


def least_cpus(resources: PrepareResources) -> float:
    """CPUs for a task that mostly waits: one of its own would keep another task off a core.

    None, unless nodes without CPUs, as a head that is to do no work, would then be given it, too.
    """
    nodes = carriers(cluster.nodes(), resources.labels)
    return 0 if all(node.resources.get("CPU") for node in nodes) else _LITTLE


def at_a_time(resources: PrepareResources) -> int:
    """How many tasks run at a time."""
    room = sum(_there(resources, "CPU")) / resources.cpus_per_task
    return resources.max_tasks or max(1, int(room))


def disk_full(error: OSError | InputError) -> InputError | None:
    """The error to show where a device is full or a quota used up; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in programs.FULL:
        return None
    what = "no quota" if error.errno == EDQUOT else "no space"
    return Unavailable(
        f"{what} left on the device{f' of {error.filename}' if error.filename else ''}: "
        "preparation needs about three times the size of its output; free some and start it "
        "again, which goes on from here, or choose an output on another device"
    )
