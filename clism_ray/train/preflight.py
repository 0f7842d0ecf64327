"""What can be known to fail before any worker starts, each in one sentence."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config import PretrainConfig, ScalingConfig
from clism_ray.errors import InputError
from clism_ray.placement import Node, Resources, carriers, carries, check_labels, written
from clism_ray.train import checkpoint
from clism_ray.train.capacity import filled, most, placed, room, worker_resources
from clism_ray.train.settings import Settings

_KEYS = {"CPU": "scaling.cpus_per_worker", "GPU": "scaling.gpus_per_worker"}


def check_resources(config: Settings, nodes: Sequence[Node], data_task: bool = True) -> None:
    """Raise InputError if the nodes can never hold the workers, and a data task beside them."""
    scaling = config.scaling
    if scaling.workers > config.batch.slots:
        raise InputError(
            f"scaling.workers is {scaling.workers}, but a step has only batch.slots = "
            f"{config.batch.slots} micro-batches to share; use at most {config.batch.slots} "
            "workers, or more and smaller micro-batches"
        )
    if scaling.gpus_per_worker != (1 if scaling.device == "cuda" else 0):
        raise InputError(
            f"scaling.device is {scaling.device}, but scaling.gpus_per_worker is "
            f"{scaling.gpus_per_worker:g}; give both (device cuda, 1 GPU) or neither"
        )
    if scaling.device == "cpu" and scaling.backend == "nccl":
        raise InputError(
            "scaling.backend is nccl, which knows GPUs only, but scaling.device is cpu; "
            "give scaling.backend=gloo or scaling.device=cuda"
        )
    if scaling.device == "cuda" and scaling.backend == "gloo":
        raise InputError(
            "scaling.device is cuda, but scaling.backend is gloo, which cannot run ZeRO on GPUs; "
            "give scaling.backend=nccl"
        )
    check_labels(nodes, scaling.labels, "scaling.labels")
    if data_task:
        check_labels(nodes, scaling.data_labels, "scaling.data_labels")
    _check_room_is_counted(scaling, nodes)
    each = worker_resources(scaling)
    for wanted in ({name: amount} for name, amount in each.items()):
        _check_room(scaling, wanted, nodes)
    _check_room(scaling, each, nodes)
    workers = most(scaling, nodes)
    if data_task and placed(config, nodes, workers=workers) is None:
        cpus = sum(node.resources.get("CPU", 0.0) for node in nodes)
        left = cpus - workers * scaling.cpus_per_worker
        where = f" with {written(scaling.data_labels)}" if scaling.data_labels else ""
        raise InputError(
            f"{workers} workers of {scaling.cpus_per_worker:g} CPU leave {left:g} of "
            f"{cpus:g} CPU, on no node{where} enough for a data task, which needs "
            f"{scaling.cpus_per_data_task:g}: the run would wait for its first micro-batch for "
            "ever; lower scaling.cpus_per_worker"
        )
    if data_task and scaling.min_workers:
        _check_room_on_fewer_nodes(scaling, nodes)


def check_validator(config: PretrainConfig, nodes: Sequence[Node]) -> None:
    """Raise InputError if the nodes hold no validation beside the workers and a data task."""
    workers = config.scaling.workers
    if config.validation.beside and config.scaling.min_workers:
        raise InputError(
            "validation.beside is true, but a run with scaling.min_workers takes all that its "
            "workers find room for; leave one of the two out"
        )
    if config.validation.beside and placed(config, nodes, workers=workers + 1) is None:
        each = " and ".join(f"{n:g} {name}" for name, n in worker_resources(config.scaling).items())
        raise InputError(
            f"validation.beside takes {each}, as a worker does, and the cluster has no room for "
            f"it beside {workers} workers and a data task; lower scaling.workers, or give "
            "validation.beside=false, and training waits while the workers validate"
        )


def runs_at_once(
    config: Settings, nodes: Sequence[Node], driver: float, data_task: bool = True
) -> int:
    """How many runs the nodes hold, each with a driver of so many CPUs, and a data task.

    A run that may have fewer workers is one where not all of them find room: it takes all there is.
    """
    runs, left = 0, placed(config, nodes, driver, data_task)
    while left:
        runs, left = runs + 1, placed(config, left, driver, data_task)
    if not runs and config.scaling.min_workers:
        runs = int(
            placed(config, nodes, driver, data_task, most(config.scaling, nodes)) is not None
        )
    return runs


def side_by_side(scaling: ScalingConfig, nodes: Sequence[Node], runs: int) -> ScalingConfig:
    """The scaling of each of so many runs at once, where a worker would take more than it asks for.

    That is on one node, and where workers take no whole CPU: they share the CPUs there are.
    """
    whole = int(scaling.cpus_per_worker)
    if runs < 2 or scaling.threads_per_worker or (whole and len(nodes) > 1):
        return scaling
    cpus = [node.resources.get("CPU", 0.0) for node in carriers(nodes, scaling.labels)]
    able = [number for number in cpus if number >= scaling.cpus_per_worker]
    share = min(sum(able) / (runs * scaling.workers), *able)
    return dataclasses.replace(scaling, threads_per_worker=max(1, int(share), whole))


def awaited(config: Settings, free: Sequence[Node], data_task: bool = True) -> str | None:
    """A sentence if nodes hold the run, but not beside what other jobs hold of them now.

    Args:
        config: of the run.
        free: the nodes, each with the resources that nobody uses.
        data_task: whether it needs one.
    """
    scaling = config.scaling
    if placed(config, free, data_task=data_task, workers=scaling.fewest) is not None:
        return None
    able = carriers(free, scaling.labels)
    each = " and ".join(
        f"{amount:g} {name} ({sum(node.resources.get(name, 0.0) for node in able):g} free)"
        for name, amount in worker_resources(scaling).items()
    )
    beside = f" and {scaling.cpus_per_data_task:g} CPU for a data task" if data_task else ""
    return (
        f"waiting for room for {scaling.fewest} worker(s) of {each}{beside}: "
        "other jobs hold what the cluster has"
    )


def check_checkpoint(run: Path, identity_hash: str) -> None:
    """Raise InputError if the newest checkpoint is another run's."""
    for step in checkpoint.steps_saved(run):
        state = checkpoint.complete(checkpoint.folder_of(run, step))
        if state is None:
            continue
        if state.identity_hash != identity_hash:
            raise InputError(
                f"the checkpoint of step {step} in {run} is of other settings (identity "
                f"{state.identity_hash}, this run's is {identity_hash}); move checkpoints/ away, "
                "or give this run another name=..."
            )
        return


def _check_room_is_counted(scaling: ScalingConfig, nodes: Sequence[Node]) -> None:
    """An elastic run must find room on nodes with its labels alone: Ray looks at resources only.

    Else it would ask for more workers than nodes with the labels hold, and wait for them for ever.
    """
    if not (scaling.min_workers and scaling.labels):
        return
    others = [node for node in nodes if not carries(node, scaling.labels)]
    if room(worker_resources(scaling), others):
        raise InputError(
            "scaling.min_workers lets Ray count how many workers there is room for, and it counts "
            f"without scaling.labels: {len(others)} node(s) without {written(scaling.labels)} have "
            "room too. Name what only the right nodes have, such as "
            "`ray start --resources '{\"slot\": 1}'` and scaling.resources_per_worker.slot=1"
        )


def _check_room_on_fewer_nodes(scaling: ScalingConfig, nodes: Sequence[Node]) -> None:
    """An elastic run must find room for a data task on whichever nodes are left to its workers.

    Ray gives it all the workers that these hold, and then nothing makes their micro-batches.
    """
    full, spare = filled(scaling, nodes)
    workers = room(worker_resources(scaling), full)
    if not spare and workers >= scaling.fewest:
        raise InputError(
            f"scaling.min_workers is {scaling.min_workers}, but {len(full)} of the cluster's "
            f"{len(nodes)} node(s) have no room for a data task, which needs "
            f"{scaling.cpus_per_data_task:g} CPU, once they hold all the workers they can: left "
            "with these, the run would wait for its next micro-batch for ever. Bound the workers "
            "of a node, with `ray start --resources '{\"slot\": 1}'` and "
            "scaling.resources_per_worker.slot=1, or add a node for data tasks without a slot"
        )


def _check_room(scaling: ScalingConfig, wanted: Resources, nodes: Sequence[Node]) -> None:
    """A worker needs all it wants on one node."""
    nodes = carriers(nodes, scaling.labels)
    held = room(wanted, nodes)
    if held < scaling.fewest:
        each = " and ".join(f"{amount:g} {name}" for name, amount in wanted.items())
        there = " and ".join(
            f"{sum(node.resources.get(name, 0.0) for node in nodes):g} {name}" for name in wanted
        )
        key = "min_workers" if scaling.min_workers else "workers"
        keys = " or ".join(
            _KEYS.get(name, f"scaling.resources_per_worker.{name}") for name in wanted
        )
        where = f" with {written(scaling.labels)} and" if scaling.labels else " with"
        raise InputError(
            f"scaling.{key} asks for {scaling.fewest} workers of {each} each, but the cluster's "
            f"{len(nodes)} node(s){where} {there} in all hold {held} of them; "
            f"lower scaling.{key} or {keys}, or add nodes"
        )
