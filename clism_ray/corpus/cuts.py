"""Into how many shards a corpus is cut, and into how many parts each is, to be built at once."""

import math
from pathlib import Path

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import tables, taken_in
from clism_ray.corpus.intake import Split

PART_PAIRS = 20_000  # of a task that aligns, where shards are few: some seconds' work at least
FEW_TASKS = 64  # up to so many are made of few shards


def buckets(config: PrepareConfig, split: Split) -> int:
    """Into how many shards a split is cut; a dev split by fraction keeps the shards' size."""
    if split == "train":
        return config.shards
    return max(1, round(config.shards * config.dev.fraction))


def parts(folder: Path, config: PrepareConfig, split: Split) -> int:
    """Into how many parts each bucket of a split is cut to be built, a task each.

    Where buckets are many, one: each task looks into all pieces that were taken in. So it is for
    eflomal, which reads all its priors in each task; and parts are the larger, the more language
    pairs' tables a task opens beyond those that its process keeps.
    """
    most = FEW_TASKS // buckets(config, split)
    if config.alignment.method == "eflomal" or most < 2:
        return 1
    pairs = taken_in.usable(folder, split)
    least = PART_PAIRS * max(1, len(pairs) / tables.KEPT)
    return max(1, min(most, math.ceil(pairs.total() / buckets(config, split) / least)))
