"""What CACR's negatives from a whole step cost, beside those from the micro-batch: time, memory.

    python benchmarks/global_negatives.py --slots 4 32

One worker's real steps (DeepSpeed, ZeRO 0) on the CPU, without Ray, for each number of slots in a
process of its own, both kinds in turns. Time is CPU time on one thread, so that other jobs on the
machine count little. Memory is the peak of the process, first with the micro-batch's own negatives,
then with those of the step.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

import torch
import torch.distributed as dist
from training_core import SHAPES, make_batches, make_model, synthetic

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from clism_ray.masking.order import Slot

KINDS = ("micro_batch", "global")


def main() -> None:
    """Measure, and print a line for each number of slots."""
    options = arguments()
    for slots in options.slots:
        process = multiprocessing.get_context("spawn").Process(
            target=measure, args=(slots, options)
        )
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)


def measure(slots: int, options: argparse.Namespace) -> None:
    """Steps of so many slots, and one line about them."""
    os.environ |= {"DS_ACCELERATOR": "cpu", "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29878"}
    from clism_ray.train.engine import start_engine
    from clism_ray.train.gradient import accumulate
    from clism_ray.train.step import counts_of

    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    options.batches = slots
    batches = make_batches(options, list(islice(synthetic(), 2 * slots * options.pairs)))
    taken = [(Slot(0, 0, number), batch) for number, batch in enumerate(batches)]
    config = {kind: configuration(kind, slots, options) for kind in KINDS}
    engine = start_engine(make_model(options), config["global"], 1)

    def step(kind: str) -> float:
        began = time.process_time()
        accumulate(engine, taken, counts_of(batches), config[kind], torch.device("cpu"))
        engine.step()
        return time.process_time() - began

    step("micro_batch")  # makes Adam's moments
    memory = []
    for kind in KINDS:
        step(kind)
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
    times = [[step(kind) for kind in KINDS] for _ in range(options.rounds)]
    ratios = sorted(whole / own for own, whole in times)
    seconds = statistics.median(own for own, _ in times)
    print(
        f"{slots:4} slots of {options.pairs} pairs: {seconds:.2f} s a step; global negatives "
        f"x {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"peak {memory[0]:.3f} GiB, x {memory[1] / memory[0]:.3f}",
        flush=True,
    )
    dist.destroy_process_group()


def configuration(negatives: str, slots: int, options: argparse.Namespace) -> PretrainConfig:
    """Of a run of one worker."""
    return parse(
        PretrainConfig,
        {
            "name": "x",
            "corpus": "x",
            "length": {"steps": 1},
            "losses": {"cacr": {"negatives": negatives}},
            "batch": {"slots": slots, "pairs": options.pairs},
            "zero": {"stage": 0},
        },
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slots", type=int, nargs="+", default=[4, 32])
    parser.add_argument("--pairs", type=int, default=16, help="pairs of a micro-batch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="small")
    parser.set_defaults(precision="fp32")
    return parser.parse_args()


if __name__ == "__main__":
    main()
