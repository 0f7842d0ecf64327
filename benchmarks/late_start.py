"""How much later a run begins at 90 % of a long epoch than at its beginning.

    python benchmarks/late_start.py --pairs 10_000_000 --rounds 5

A corpus of so many pairs: one shard of synthetic ones under many names, which is what order and
reading see. A worker's stream begins at the first step and late in the epoch, in turns, and the
seconds to its first micro-batch are taken. All else that a start does is the same for any step.
"""

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

import ray

from clism_ray import cluster
from clism_ray.config import ScalingConfig
from clism_ray.corpus.manifest import write_manifest
from clism_ray.masking.microbatch import Recipe, open_recipe
from clism_ray.masking.stream import stream
from tests.corpora import write_tiny_corpus
from tests.recipes import tiny_recipe

SHARD_ROWS, WINDOW_ROWS = 20_000, 1000
LATE = 0.9


def main() -> None:
    """Begin in turns, and print the seconds of both kinds and the ratio of their medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10_000_000, help="to the nearest 20,000")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    cluster.connect()
    with tempfile.TemporaryDirectory() as folder:
        recipe = recipe_of(Path(folder), max(1, round(given.pairs / SHARD_ROWS)))
        plan = open_recipe(recipe).plan
        steps = plan.steps
        starts = {"0 %": 0, f"{LATE:.0%}": int(LATE * steps)}
        print(f"{sum(plan.window_rows):,} pairs, {steps:,} steps")
        seconds_to_first(recipe, 0)  # starts the processes of the cluster
        found: dict[str, list[float]] = {name: [] for name in starts}
        for _ in range(given.rounds):
            for name, start in starts.items():
                found[name].append(seconds_to_first(recipe, start))
    for name, seconds in found.items():
        print(f"{name:>5}", *(f"{each:.2f}" for each in seconds), "s")
    early, late = (statistics.median(seconds) for seconds in found.values())
    print(f"late / early: {late / early:.2f}")


def recipe_of(folder: Path, shards: int) -> Recipe:
    """A corpus of one shard under many names, and a tokenizer."""
    manifest = write_tiny_corpus(folder / "corpus", SHARD_ROWS, shards=1, window_rows=WINDOW_ROWS)
    (shard,) = manifest.train
    train = []
    for number in range(shards):
        path = f"train/shard-{number:05d}.parquet"
        if number:
            os.link(folder / "corpus" / shard.path, folder / "corpus" / path)
        train.append(dataclasses.replace(shard, path=path))
    write_manifest(folder / "corpus", dataclasses.replace(manifest, train=tuple(train)))
    return tiny_recipe(folder, 500, 600, pairs=16, slots=8)


def seconds_to_first(recipe: Recipe, start: int) -> float:
    """From asking a worker's stream for its micro-batches to having one.

    In a process that knows neither the corpus nor its order, as every start has.
    """
    seconds: float = ray.get(_ask.remote(recipe, start))
    return seconds


@ray.remote(num_cpus=0, max_calls=1)
def _ask(recipe: Recipe, start: int) -> float:
    began = time.monotonic()
    batches = stream(recipe, start, start + 100, rank=0, workers=1, scaling=ScalingConfig())
    place, _ = next(batches)
    assert place.step == start
    return time.monotonic() - began


if __name__ == "__main__":
    main()
