"""What can be known to fail before any worker starts, each in one sentence."""

import math
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config import PretrainConfig
from clism_ray.errors import InputError
from clism_ray.masking.order import slots_per_worker
from clism_ray.train import checkpoint

Resources = dict[str, float]


def check_resources(config: PretrainConfig, nodes: Sequence[Resources]) -> None:
    """Raise InputError if the nodes can never hold the workers and a data task beside them."""
    scaling = config.scaling
    if (
        slots_per_worker(config.batch.slots, scaling.workers) * (scaling.workers - 1)
        >= (config.batch.slots)
        and scaling.workers > config.batch.slots
    ):
        raise InputError(
            f"scaling.workers is {scaling.workers}, but a step has only batch.slots = "
            f"{config.batch.slots} micro-batches to share; use at most {config.batch.slots} "
            "workers, or more and smaller micro-batches"
        )
    each = {"CPU": scaling.cpus_per_worker, "GPU": scaling.gpus_per_worker}
    for name, wanted in each.items():
        room = sum(_times(node.get(name, 0.0), wanted) for node in nodes) if wanted else math.inf
        if room < scaling.workers:
            total = sum(node.get(name, 0.0) for node in nodes)
            raise InputError(
                f"scaling.workers asks for {scaling.workers} workers of {wanted:g} {name} each, "
                f"but the cluster's {len(nodes)} node(s) with {total:g} {name} hold {room:g} of "
                f"them; lower scaling.workers or scaling.{name.lower()}s_per_worker, or add nodes"
            )
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


def _times(available: float, wanted: float) -> float:
    return math.floor(available / wanted + 1e-9)
