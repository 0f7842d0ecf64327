"""What can be known to fail before any worker starts, each in one sentence."""

import math
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config import ScalingConfig
from clism_ray.errors import InputError
from clism_ray.train import checkpoint
from clism_ray.train.settings import Settings

Resources = dict[str, float]

_KEYS = {"CPU": "scaling.cpus_per_worker", "GPU": "scaling.gpus_per_worker"}


def check_resources(config: Settings, nodes: Sequence[Resources], data_task: bool = True) -> None:
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
    each = worker_resources(scaling)
    for wanted in ({name: amount} for name, amount in each.items()):
        _check_room(scaling, wanted, nodes)
    _check_room(scaling, each, nodes)
    workers = min(scaling.workers, _room(each, nodes))  # an elastic run takes all there is room for
    if data_task and _placed(config, nodes, workers=workers) is None:
        cpus = sum(node.get("CPU", 0.0) for node in nodes)
        left = cpus - workers * scaling.cpus_per_worker
        raise InputError(
            f"{workers} workers of {scaling.cpus_per_worker:g} CPU leave {left:g} of "
            f"{cpus:g} CPU, on no node enough for a data task, which needs "
            f"{scaling.cpus_per_data_task:g}: the run would wait for its first micro-batch for "
            "ever; lower scaling.cpus_per_worker"
        )


def worker_resources(scaling: ScalingConfig) -> Resources:
    """What a worker takes of its node."""
    own = {"CPU": scaling.cpus_per_worker, "GPU": scaling.gpus_per_worker}
    wanted = {**own, **scaling.resources_per_worker}
    return {name: amount for name, amount in wanted.items() if amount}


def runs_at_once(
    config: Settings, nodes: Sequence[Resources], driver: float, data_task: bool = True
) -> int:
    """How many runs the nodes hold, each with a driver of so many CPUs, and a data task."""
    runs, left = 0, _placed(config, nodes, driver, data_task)
    while left:
        runs, left = runs + 1, _placed(config, left, driver, data_task)
    return runs


def awaited(config: Settings, free: Resources, data_task: bool = True) -> str | None:
    """A sentence if the cluster has the resources but other jobs hold them now."""
    scaling = config.scaling
    wanted = {name: scaling.fewest * each for name, each in worker_resources(scaling).items()}
    wanted["CPU"] += data_task * scaling.cpus_per_data_task
    short = {name: amount for name, amount in wanted.items() if free.get(name, 0.0) < amount - 1e-9}
    if not short:
        return None
    told = " and ".join(
        f"{amount:g} {name} ({free.get(name, 0.0):g} free)" for name, amount in short.items()
    )
    return f"waiting for {told}: other jobs hold what the cluster has"


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


def _check_room(scaling: ScalingConfig, wanted: Resources, nodes: Sequence[Resources]) -> None:
    """A worker needs all it wants on one node."""
    room = _room(wanted, nodes)
    if room < scaling.fewest:
        each = " and ".join(f"{amount:g} {name}" for name, amount in wanted.items())
        there = " and ".join(
            f"{sum(node.get(name, 0.0) for node in nodes):g} {name}" for name in wanted
        )
        key = "min_workers" if scaling.min_workers else "workers"
        keys = " or ".join(
            _KEYS.get(name, f"scaling.resources_per_worker.{name}") for name in wanted
        )
        raise InputError(
            f"scaling.{key} asks for {scaling.fewest} workers of {each} each, but the cluster's "
            f"{len(nodes)} node(s) with {there} in all hold {room} of them; "
            f"lower scaling.{key} or {keys}, or add nodes"
        )


def _room(wanted: Resources, nodes: Sequence[Resources]) -> int:
    """How many workers the nodes hold."""
    return sum(
        min(math.floor(node.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items())
        for node in nodes
    )


def _placed(
    config: Settings,
    nodes: Sequence[Resources],
    driver: float = 0.0,
    data_task: bool = True,
    workers: int | None = None,
) -> list[Resources] | None:
    """What the nodes have left beside one run; None if it does not fit."""
    scaling = config.scaling
    beside = {"CPU": data_task * scaling.cpus_per_data_task + driver}
    worker = worker_resources(scaling)
    for at in range(len(nodes)):
        left = _taken(beside, 1, list(nodes), range(at, at + 1))
        left = left and _taken(worker, workers or scaling.workers, left, range(len(nodes)))
        if left:
            return left
    return None


def _taken(
    wanted: Resources, times: int, nodes: list[Resources], places: range
) -> list[Resources] | None:
    """What is left when something is taken so many times, from the first nodes that have it."""
    wanted = {name: amount for name, amount in wanted.items() if amount}
    for at in places:
        there = min(times, _room(wanted, nodes[at : at + 1]))
        left = {name: nodes[at].get(name, 0.0) - there * wanted[name] for name in wanted}
        nodes = [*nodes[:at], {**nodes[at], **left}, *nodes[at + 1 :]]
        times -= there
    return None if times else nodes
