"""The tasks of preparation, each a function from files to files; `prepare` runs them on Ray.

All work in one folder:

    intake/train/*.arrow, intake/dev/*.arrow   usable pairs, a file per chunk, by bucket
    dev_sources.npy                            keys of the source texts of the dev corpora
    tables/en-de/                              alignment tables
    built/train/00000.parquet                  aligned pairs of a bucket, row ids missing
    train/shard-00000.parquet                  the same, numbered: part of the prepared corpus

Each file gets its final name only when it is complete, and its content depends on the
arguments alone. So a task may be repeated, and any order and number of tasks will do.
"""

import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clism_ray.config import PrepareConfig
from clism_ray.corpus import intake, tables
from clism_ray.corpus.build import LanguagePair, SpanCounts, build
from clism_ray.corpus.inputs import Input
from clism_ray.corpus.intake import Counts, Split
from clism_ray.corpus.manifest import Shard, file_sha256
from clism_ray.corpus.read import parse_chunk
from clism_ray.corpus.readers.chunk import Chunk
from clism_ray.corpus.spans import finder
from clism_ray.records import ALIGNED_SCHEMA


def buckets(config: PrepareConfig, split: Split) -> int:
    """Into how many shards a split is cut; a dev split by fraction keeps the shards' size."""
    if split == "train":
        return config.shards
    return max(1, round(config.shards * config.dev.fraction))


def take_in_chunk(folder: Path, config: PrepareConfig, source: Input, chunk: Chunk) -> Counts:
    """Store the usable pairs of a chunk; counts of all its lines."""
    held_out = intake.HeldOut(
        is_dev_corpus=source.is_dev,
        sources=frozenset() if source.is_dev else _dev_sources(folder),
        fraction=config.dev.fraction,
    )
    entries = parse_chunk(source.files, chunk)
    rows, counts = intake.take_in(entries, "-".join(source.languages), config.cleaning, held_out)
    for split, split_rows in rows.items():
        if split_rows:
            path = folder / "intake" / split / f"{source.number:05d}-{chunk.first_line:012d}.arrow"
            intake.write_buckets(split_rows, path, buckets(config, split))
    return counts


def note_dev_sources(folder: Path, config: PrepareConfig) -> None:
    """Note which source texts the dev corpora hold, before the other corpora are taken in."""
    texts: set[str] = set()
    for bucket in range(buckets(config, "dev")):
        texts.update(intake.read_bucket(folder / "intake" / "dev", bucket)["source"].to_pylist())
    keys = np.array(sorted({intake.source_key(text) for text in texts}), dtype=np.uint64)
    np.save(folder / "dev_sources.npy", keys)


def fit_tables(
    folder: Path, config: PrepareConfig, source_language: str, target_language: str
) -> str:
    """Fit a language pair's tables on the training pairs with the lowest keys; their hash."""
    sample = _sample(folder, config, (source_language, target_language))
    place = folder / "tables" / f"{source_language}-{target_language}"
    return tables.fit(sample, place, config.alignment.iterations)


def build_bucket(
    folder: Path, config: PrepareConfig, split: Split, bucket: int
) -> tuple[int, Counts, SpanCounts]:
    """Align the pairs of a bucket; the number of rows that are kept, and all counts."""

    @lru_cache
    def parts(source_language: str, target_language: str) -> LanguagePair:
        return LanguagePair(
            tables=tables.open_tables(folder / "tables" / f"{source_language}-{target_language}"),
            find_spans=finder(config.spans, source_language),
            max_words=config.spans.max_words,
        )

    rows = intake.in_key_order(intake.read_bucket(folder / "intake" / split, bucket))
    aligned, counts, span_counts = build(rows, split, parts)
    _write_parquet(aligned, _built(folder, split, bucket), config.window_rows)
    return aligned.num_rows, counts, span_counts


def number_bucket(
    folder: Path, config: PrepareConfig, split: Split, bucket: int, first_row_id: int
) -> Shard:
    """Write a bucket as a shard of the prepared corpus, with row ids from `first_row_id`."""
    rows = pq.read_table(_built(folder, split, bucket), schema=ALIGNED_SCHEMA)
    row_ids = pa.array(range(first_row_id, first_row_id + rows.num_rows), pa.int64())
    rows = rows.set_column(0, ALIGNED_SCHEMA.field("row_id"), row_ids)
    path = folder / split / f"shard-{bucket:05d}.parquet"
    _write_parquet(rows, path, config.window_rows)
    metadata = pq.read_metadata(path)
    return Shard(
        path=str(path.relative_to(folder)),
        sha256=file_sha256(path),
        bytes=path.stat().st_size,
        rows_per_group=tuple(
            metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)
        ),
    )


def remove_intermediate(folder: Path) -> None:
    """Leave nothing but the prepared corpus."""
    for name in ("intake", "built"):
        shutil.rmtree(folder / name)
    (folder / "dev_sources.npy").unlink()


def _sample(
    folder: Path, config: PrepareConfig, languages: tuple[str, str]
) -> Iterator[tuple[str, str]]:
    """Up to `alignment.fit_pairs` different training pairs, in key order."""
    taken = 0
    for bucket in range(config.shards):
        rows = intake.read_bucket(folder / "intake" / "train", bucket)
        wanted = pc.and_(
            pc.equal(rows["source_language"], languages[0]),
            pc.equal(rows["target_language"], languages[1]),
        )
        rows = intake.in_key_order(rows.filter(wanted))
        before = None
        for pair in zip(rows["source"].to_pylist(), rows["target"].to_pylist(), strict=True):
            if pair != before:
                if taken == config.alignment.fit_pairs:
                    return
                taken += 1
                yield pair
            before = pair


@lru_cache(maxsize=1)
def _dev_sources(folder: Path) -> frozenset[int]:
    path = folder / "dev_sources.npy"
    return frozenset(np.load(path).tolist()) if path.is_file() else frozenset()


def _built(folder: Path, split: Split, bucket: int) -> Path:
    return folder / "built" / split / f"{bucket:05d}.parquet"


def _write_parquet(rows: pa.Table, path: Path, group_rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(rows, unfinished, row_group_size=group_rows, compression="zstd")
    unfinished.rename(path)
