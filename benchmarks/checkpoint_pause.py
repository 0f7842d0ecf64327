"""How long training stands still for a checkpoint: written beside training, and while it waits.

    python benchmarks/checkpoint_pause.py

Two workers' real steps and checkpoints (DeepSpeed, ZeRO 2) on the CPU, without Ray, both kinds in
turns: a checkpoint is begun, then steps are taken until it is complete. Told is the time before the
next step begins, and all that the checkpoint cost: how much longer it and those steps took than the
steps alone take, as writing and steps share the cores. Medians over the rounds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

import torch
import torch.distributed as dist
from training_core import SHAPES, make_batches, make_model, synthetic

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from clism_ray.masking.order import Slot
from tests.process_group import spawn

KINDS = {"waits": False, "beside": True}
STEPS_ALONE = 4  # between checkpoints, to know what a step takes


def main() -> None:
    """Measure, and print what the first worker saw."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        spawn(options.workers, measure, options, folder)


def measure(rank: int, options: argparse.Namespace, folder: str) -> None:
    """Steps and checkpoints of one worker."""
    from clism_ray.train.beside import settle
    from clism_ray.train.engine import parameter_count, start_engine
    from clism_ray.train.gradient import accumulate
    from clism_ray.train.job import TrainJob
    from clism_ray.train.run import recipe_of
    from clism_ray.train.saving import save
    from clism_ray.train.step import counts_of
    from clism_ray.train.worker import Worker

    config, device = configuration(options, folder), torch.device("cpu")
    batches = make_batches(options, list(islice(synthetic(), 2 * options.pairs)))
    taken, counts = [(Slot(0, 0, 0), batches[0])], counts_of(batches * options.workers)
    job = TrainJob(
        config=config,
        recipe=recipe_of(config, Path("x")),
        run=folder,
        steps=1,
        identity_hash="x",
        deadline=None,
        card="",
    )
    engine = start_engine(make_model(options), config, options.workers)
    worker = Worker(
        job=job,
        engine=engine,
        device=device,
        rank=rank,
        workers=options.workers,
        languages=(),
        dev=[],
    )

    def step() -> float:
        began = time.perf_counter()
        accumulate(engine, taken, counts, config, device)
        engine.step()
        worker.step += 1
        return time.perf_counter() - began

    def checkpoint(beside: bool) -> tuple[float, float, int]:
        """Seconds of standing still, seconds until it is complete, steps taken meanwhile."""
        saving = replace(config.checkpoint, beside=beside)
        worker.job = replace(job, config=replace(config, checkpoint=saving))
        dist.barrier()
        began = time.perf_counter()
        save(worker)
        paused, steps = time.perf_counter() - began, 0
        while worker.writing:
            step()
            steps += 1
            settle(worker, wait=False)
        return paused, time.perf_counter() - began, steps

    for _ in range(3):  # makes Adam's moments, and warms up
        step()
    alone: list[float] = []
    found: dict[str, list[tuple[float, float, int]]] = {kind: [] for kind in KINDS}
    for _ in range(options.rounds):
        for kind, beside in KINDS.items():
            alone += [step() for _ in range(STEPS_ALONE)]
            found[kind].append(checkpoint(beside))
    if rank == 0:
        parameters = parameter_count(engine.module)
        show(options, parameters, statistics.median(alone), found)


def show(
    options: argparse.Namespace,
    parameters: int,
    alone: float,
    found: dict[str, list[tuple[float, float, int]]],
) -> None:
    """Print a line for each kind, and the ratios."""
    print(f"{options.workers} workers, {parameters:,} parameters; {alone:.3f} s a step alone")
    pauses, costs = {}, {}
    for kind, rounds in found.items():
        pauses[kind] = statistics.median(paused for paused, _, _ in rounds)
        costs[kind] = statistics.median(whole - steps * alone for _, whole, steps in rounds)
        each = sorted(paused for paused, _, _ in rounds)
        print(
            f"{kind:7} stands still {pauses[kind]:.3f} s ({each[0]:.3f} to {each[-1]:.3f}), "
            f"costs {costs[kind]:.3f} s in all"
        )
    print(
        f"beside / waits: standing still x {pauses['beside'] / pauses['waits']:.2f}, "
        f"in all x {costs['beside'] / costs['waits']:.2f}"
    )


def configuration(options: argparse.Namespace, storage: str) -> PretrainConfig:
    """Of a run of so many workers, one micro-batch each."""
    return parse(
        PretrainConfig,
        {
            "name": "x",
            "corpus": "x",
            "storage": storage,
            "length": {"steps": 1},
            "batch": {"slots": options.workers, "pairs": options.pairs},
            "zero": {"stage": 2},
        },
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=16, help="pairs of a micro-batch")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="small")
    parser.set_defaults(precision="fp32", batches=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
