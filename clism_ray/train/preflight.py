"""What can be known to fail before any worker starts, each in one sentence."""

import math
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config import PretrainConfig
from clism_ray.errors import InputError
from clism_ray.train import checkpoint

Resources = dict[str, float]


def check_resources(config: PretrainConfig, nodes: Sequence[Resources]) -> None:
    """Raise InputError if the nodes can never hold the workers and a data task beside them."""
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
    each = {"CPU": scaling.cpus_per_worker, "GPU": scaling.gpus_per_worker}
    each = {name: wanted for name, wanted in each.items() if wanted}
    for wanted in ({name: amount} for name, amount in each.items()):
        _check_room(scaling.workers, wanted, nodes)
    _check_room(scaling.workers, each, nodes)
    cpus = sum(node.get("CPU", 0.0) for node in nodes)
    left = cpus - scaling.workers * scaling.cpus_per_worker
    if left < scaling.cpus_per_data_task:
        raise InputError(
            f"{scaling.workers} workers of {scaling.cpus_per_worker:g} CPU leave {left:g} of "
            f"{cpus:g} CPU for data tasks, which need {scaling.cpus_per_data_task:g}: the run "
            "would wait for its first micro-batch for ever; lower scaling.cpus_per_worker"
        )


def check_checkpoint(run: Path, config: PretrainConfig) -> None:
    """Raise InputError if the newest checkpoint was written by another number of workers."""
    for step in checkpoint.steps_saved(run):
        state = checkpoint.complete(checkpoint.folder_of(run, step))
        if state is None:
            continue
        now = (config.scaling.workers, config.zero.stage)
        if (state.workers, state.zero_stage) != now:
            raise InputError(
                f"the checkpoint of step {step} in {run} was written by {state.workers} worker(s) "
                f"with ZeRO stage {state.zero_stage}; this start has {now[0]} and stage {now[1]}. "
                f"Go on with scaling.workers={state.workers} zero.stage={state.zero_stage}"
            )
        return


def _check_room(workers: int, wanted: Resources, nodes: Sequence[Resources]) -> None:
    """A worker needs all it wants on one node."""
    room = sum(
        min(math.floor(node.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items())
        for node in nodes
    )
    if room < workers:
        each = " and ".join(f"{amount:g} {name}" for name, amount in wanted.items())
        there = " and ".join(
            f"{sum(node.get(name, 0.0) for node in nodes):g} {name}" for name in wanted
        )
        keys = " or ".join(f"scaling.{name.lower()}s_per_worker" for name in wanted)
        raise InputError(
            f"scaling.workers asks for {workers} workers of {each} each, but the cluster's "
            f"{len(nodes)} node(s) with {there} in all hold {room} of them; "
            f"lower scaling.workers or {keys}, or add nodes"
        )
