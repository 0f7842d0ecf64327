"""The last stages of preparation, on Ray Data: usable pairs on disk to shards.

What the tasks do is in `stages`.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, TypeAlias

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import cuts, finders, linkers, models, stages
from clism_ray.corpus.build import SpanCounts
from clism_ray.corpus.intake import SPLITS, Counts, Split
from clism_ray.corpus.manifest import Shard
from clism_ray.corpus.progress import Progress
from clism_ray.corpus.sampling import repeats
from clism_ray.corpus.tasks import each

Copies: TypeAlias = Counter[tuple[str, int]]  # (language pair, bucket of train) -> rows


class Built(NamedTuple):
    """What a part of a bucket came to."""

    split: Split
    bucket: int
    rows: int
    counts: Counts
    span_counts: SpanCounts


def build(config: PrepareConfig, folder: Path, counts: Counts) -> list[Built]:
    """Aligned pairs of every bucket. A part of one in, its number of rows and its counts out."""
    usable = sum(n if outcome == "in" else -n for (_, _, outcome), n in counts.items())
    progress = Progress("build", "pairs", usable)
    places: list[tuple[Split, int, int, int]] = [
        (split, bucket, part, parts)
        for split, parts in _parts(config, folder).items()
        for bucket in range(cuts.buckets(config, split))
        for part in range(parts)
    ]
    outcomes = each(
        partial(stages.build_part, folder, config, finders.open_finder, linkers.open_encoder),
        places,
        config.resources,
        lambda counted: progress.add(counted.counts[0].total(), counted.is_new),
        models.are_held(config),
    )
    progress.end()
    return [
        Built(split, bucket, _rows(counts, split), counts, span_counts)
        for (split, bucket, *_), ((counts, span_counts), _) in zip(places, outcomes, strict=True)
    ]


def copy(config: PrepareConfig, folder: Path, counts: Counts) -> Copies:
    """Copies of the rows of small language pairs. A bucket in, where its copies fall out."""
    copies: Copies = Counter()
    if config.sampling.temperature == 1:
        return copies
    sizes: Counter[str] = Counter()
    for (pair, _, outcome), number in counts.items():
        sizes[pair] += number if outcome == "train" else 0
    parts = _parts(config, folder)["train"]
    progress = Progress("copy", "copies")
    for counted in each(
        partial(stages.copy_bucket, folder, config, repeats(+sizes, config.sampling.temperature)),
        [(bucket, parts) for bucket in range(config.shards)],
        config.resources,
        lambda counted: progress.add(counted.counts[0].total(), counted.is_new),
    ):
        copies.update(counted.counts[0])
    progress.end()
    return copies


def number(
    config: PrepareConfig, folder: Path, built: Sequence[Built], copies: Copies
) -> dict[Split, tuple[Shard, ...]]:
    """Shards of both splits, row ids running on. A bucket in, its shard out; none if empty."""
    sizes: Counter[tuple[Split, int]] = Counter()  # in the order of the row ids
    for part in built:
        sizes[part.split, part.bucket] += part.rows
    for (_, bucket), copied in copies.items():
        sizes["train", bucket] += copied
    starts = [0, *accumulate(sizes.values())]
    progress = Progress("number", "rows", starts[-1])
    parts = _parts(config, folder)
    buckets = [
        (split, bucket, parts[split], start, size)
        for ((split, bucket), size), start in zip(sizes.items(), starts, strict=False)
        if size
    ]
    shards = each(
        partial(stages.number_bucket, folder, config),
        buckets,
        config.resources,
        lambda shard: progress.add(sum(shard.rows_per_group)),
    )
    progress.end()
    return {
        split: tuple(s for bucket, s in zip(buckets, shards, strict=True) if bucket[0] == split)
        for split in SPLITS
    }


def _rows(counts: Counts, split: Split) -> int:
    return sum(number for (_, _, outcome), number in counts.items() if outcome == split)


def _parts(config: PrepareConfig, folder: Path) -> dict[Split, int]:
    """In how many parts the buckets of each split are built."""
    return {split: cuts.parts(folder, config, split) for split in SPLITS}
