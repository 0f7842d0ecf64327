"""A tiny prepared corpus of synthetic pairs with their true spans, written by hand."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clism_ray.corpus.manifest import (
    FORMAT_VERSION,
    Manifest,
    Shard,
    content_hash,
    file_sha256,
    write_manifest,
)
from clism_ray.corpus.synthetic import pair_at
from clism_ray.records import ALIGNED_SCHEMA, AlignedPair, Origin, to_row

LANGUAGES = ("de", "zh")


def tiny_pair(row_id: int, seed: int = 1) -> AlignedPair:
    """Row `row_id` of a tiny corpus."""
    made = pair_at(seed, row_id, LANGUAGES)
    return AlignedPair(
        row_id=row_id,
        origin=Origin("synthetic", "none", row_id + 1),
        source_language=made.source_language,
        target_language=made.target_language,
        source=made.source,
        target=made.target,
        spans=made.spans,
    )


def write_tiny_corpus(
    folder: Path, rows: int, dev_rows: int = 40, shards: int = 2, window_rows: int = 100
) -> Manifest:
    """Write a prepared corpus without preparing one; returns its manifest."""
    pairs = [tiny_pair(row_id) for row_id in range(rows + dev_rows)]
    return write_corpus(folder, pairs[:rows], pairs[rows:], shards, window_rows)


def write_corpus(
    folder: Path,
    train: Sequence[AlignedPair],
    dev: Sequence[AlignedPair] = (),
    shards: int = 1,
    window_rows: int = 100,
) -> Manifest:
    """Write a prepared corpus of these pairs; returns its manifest."""
    train_shards = _write_split(folder, "train", train, shards, window_rows)
    dev_shards = _write_split(folder, "dev", dev, 1, window_rows) if dev else ()
    languages = {f"{pair.source_language}-{pair.target_language}" for pair in (*train, *dev)}
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        content_hash=content_hash(train_shards, dev_shards),
        language_pairs=tuple(sorted(languages)),
        train=train_shards,
        dev=dev_shards,
        licences={"synthetic": "none needed"},
        tables={},
        config={},
    )
    write_manifest(folder, manifest)
    return manifest


def _write_split(
    folder: Path, split: str, pairs: Sequence[AlignedPair], shards: int, window_rows: int
) -> tuple[Shard, ...]:
    (folder / split).mkdir(parents=True)
    written = []
    for number in range(shards):
        part = pairs[len(pairs) * number // shards : len(pairs) * (number + 1) // shards]
        path = folder / split / f"shard-{number:05d}.parquet"
        table = pa.Table.from_pylist([to_row(pair) for pair in part], schema=ALIGNED_SCHEMA)
        pq.write_table(table, path, row_group_size=window_rows)
        groups = pq.ParquetFile(path).metadata
        written.append(
            Shard(
                path=f"{split}/{path.name}",
                sha256=file_sha256(path),
                bytes=path.stat().st_size,
                rows_per_group=tuple(
                    groups.row_group(group).num_rows for group in range(groups.num_row_groups)
                ),
            )
        )
    return tuple(written)
