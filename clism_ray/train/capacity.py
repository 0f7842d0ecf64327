"""How many workers the nodes of a cluster hold, and what they leave beside them."""

import math
from collections.abc import Iterable, Sequence

from clism_ray.config import ScalingConfig
from clism_ray.placement import Node, Resources, carriers, carries
from clism_ray.train.settings import Settings


def worker_resources(scaling: ScalingConfig) -> Resources:
    """What a worker takes of its node."""
    own = {"CPU": scaling.cpus_per_worker, "GPU": scaling.gpus_per_worker}
    wanted = {**own, **scaling.resources_per_worker}
    return {name: amount for name, amount in wanted.items() if amount}


def most(scaling: ScalingConfig, nodes: Sequence[Node]) -> int:
    """How many workers a run has; an elastic one takes all there is room for."""
    able = carriers(nodes, scaling.labels)
    return min(scaling.workers, room(worker_resources(scaling), able))


def room(wanted: Resources, nodes: Sequence[Node]) -> int:
    """How many workers the nodes hold."""
    return sum(
        min(
            math.floor(node.resources.get(name, 0.0) / amount + 1e-9)
            for name, amount in wanted.items()
        )
        for node in nodes
    )


def filled(scaling: ScalingConfig, nodes: Sequence[Node]) -> tuple[list[Node], bool]:
    """Nodes whose workers, as many as a run may give them, leave no room for a data task.

    And whether there is room for one on a node that never takes a worker.
    """
    worker, data_task = worker_resources(scaling), {"CPU": scaling.cpus_per_data_task}
    full, spare = [], False
    for node in nodes:
        workers = most(scaling, [node])
        left = _taken(worker, workers, [node], [0]) or []
        fits = room(data_task, carriers(left, scaling.data_labels)) > 0
        if workers and not fits:
            full.append(node)
        spare = spare or (fits and not workers)
    return full, spare


def placed(
    config: Settings,
    nodes: Sequence[Node],
    driver: float = 0.0,
    data_task: bool = True,
    workers: int | None = None,
) -> list[Node] | None:
    """What the nodes have left beside one run; None if it does not fit."""
    scaling = config.scaling
    beside = {"CPU": data_task * scaling.cpus_per_data_task + driver}
    worker = worker_resources(scaling)
    able = [at for at, node in enumerate(nodes) if carries(node, scaling.labels)]
    for at, node in enumerate(nodes):
        if data_task and not carries(node, scaling.data_labels):
            continue
        left = _taken(beside, 1, list(nodes), [at])
        left = left and _taken(worker, workers or scaling.workers, left, able)
        if left:
            return left
    return None


def _taken(
    wanted: Resources, times: int, nodes: list[Node], places: Iterable[int]
) -> list[Node] | None:
    """What is left when something is taken so many times, from the first nodes that have it."""
    wanted = {name: amount for name, amount in wanted.items() if amount}
    if not wanted:
        return nodes
    for at in places:
        there = min(times, room(wanted, nodes[at : at + 1]))
        had = nodes[at].resources
        left = {**had, **{name: had.get(name, 0.0) - there * wanted[name] for name in wanted}}
        nodes = [*nodes[:at], nodes[at]._replace(resources=left), *nodes[at + 1 :]]
        times -= there
    return None if times else nodes
