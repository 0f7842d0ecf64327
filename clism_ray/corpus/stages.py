"""The tasks of preparation, each a function from files to files; `prepare` runs them on Ray.

Those that read the input stand in `intake_stages`. All work in one folder:

    intake/train/*.arrow, intake/dev/*.arrow   usable pairs, a file per chunk, by bucket
    intake/*.json                              what was counted: a file per chunk, and of all;
                                               the names of the files above (`taken_in`)
    intake/dropped/*.jsonl, built/dropped/*    some of the lines that each task dropped
    evaluation/                                what must not be in any pair: see `contamination`
    dev_texts.npy                              keys of the texts that decide for the dev corpora
    near/                                      what pairs are compared with: `near_duplicates`
    tables/en-de/                              alignment tables
    built/train/00000-00.parquet, .json        aligned pairs of a part of a bucket, row ids
                                               missing; counts
    copies/00000.arrow, .json                  copies of a bucket's rows, by bucket; counts
    train/shard-00000.parquet                  a bucket numbered: part of the prepared corpus

Each file gets its final name only when it is complete, and its content depends on the
arguments alone. So a task may be repeated, any order and number of tasks will do, and what a
killed run finished is not made again.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import intake, sampling, tables, taken_in
from clism_ray.corpus.build import LanguagePair, SpanCounts, build
from clism_ray.corpus.cuts import buckets
from clism_ray.corpus.intake import Counts, Split
from clism_ray.corpus.linker import Linker
from clism_ray.corpus.manifest import Shard, file_sha256
from clism_ray.corpus.near_duplicates import near_keys
from clism_ray.corpus.pieces import Counted, once, remove_parts, unseen, whole
from clism_ray.corpus.samples import DROPPED, read_samples, write_samples
from clism_ray.corpus.spans import Finder
from clism_ray.garbage import seldom_collected
from clism_ray.records import ALIGNED_SCHEMA


def fit_tables(
    folder: Path,
    config: PrepareConfig,
    encoder: Mapping[str, Any] | None,
    source_language: str,
    target_language: str,
) -> str:
    """Fit a language pair's tables on the training pairs with the lowest keys; their hash.

    `encoder` tells what links words in place of fitted tables.
    """
    place = folder / "tables" / f"{source_language}-{target_language}"
    if not place.is_dir():
        sample = _sample(folder, config, (source_language, target_language))
        with whole(place) as part:
            settings = config.alignment
            tables.fit(sample, part, settings.iterations, settings.method, encoder)
    return tables.tables_hash(place)


def build_part(
    folder: Path,
    config: PrepareConfig,
    open_finder: Callable[[PrepareConfig, str], Finder],
    open_encoder: Callable[[PrepareConfig], Linker | None],
    split: Split,
    bucket: int,
    part: int,
    parts: int,
) -> Counted:
    """Align the pairs of one of the parts of a bucket; counts of pairs, those of outcome `split`
    rows, and of spans.

    `open_finder` gives the finder for a source language and `open_encoder` what links words
    without tables, if anything does; they may need what `corpus` does without.
    """

    def known(source_language: str, target_language: str) -> LanguagePair:
        return LanguagePair(
            tables=tables.open_tables(
                folder / "tables" / f"{source_language}-{target_language}", open_encoder(config)
            ),
            find_spans=open_finder(config, source_language),
            max_words=config.spans.max_words,
        )

    def of_part(batch: pa.RecordBatch) -> pa.Array:
        place = intake.buckets_of(batch["key"].to_numpy(), buckets(config, split) * parts)
        return pa.array(place == bucket * parts + part)

    path = _built(folder, split, bucket, part)

    def make() -> tuple[Counts, SpanCounts]:
        keep = of_part if parts > 1 else None
        rows = intake.read_bucket(taken_in.pieces(folder, split), bucket, keep=keep)
        rows = intake.in_key_order(rows)
        numbers = {each: buckets(config, each) for each in intake.SPLITS}
        near = near_keys(folder, numbers, config.cleaning.near_duplicates, split, bucket, rows)
        with seldom_collected():
            aligned, counts, span_counts, samples = build(rows, split, known, near)
        write_samples(folder / "built" / "dropped" / f"{split}-{path.stem}.jsonl", samples)
        _write_parquet(aligned, path, config.window_rows)
        return counts, span_counts

    return once(path.with_suffix(".json"), make)


def copy_bucket(
    folder: Path, config: PrepareConfig, repeat: Mapping[str, float], bucket: int, parts: int
) -> Counted:
    """Store the copies of a training bucket's rows, which were built in parts.

    Counts (language pair, bucket they fall in).
    """
    path = _copies(folder, bucket)

    def make() -> tuple[Counter[tuple[str, int]]]:
        rows = _built_rows(folder, "train", bucket, parts)
        counts: Counter[tuple[str, int]] = Counter()

        def counted() -> Iterator[pa.RecordBatch]:
            batches = sampling.in_buckets(sampling.copies(rows, repeat), config.shards)
            for place, batch in enumerate(batches):
                counts.update((pair, place) for pair in sampling.language_pairs(batch))
                yield batch

        intake.write_batches(counted(), path, sampling.KEYED_SCHEMA)
        return (counts,)

    return once(path.with_suffix(".json"), make)


def number_bucket(
    folder: Path,
    config: PrepareConfig,
    split: Split,
    bucket: int,
    parts: int,
    first_row_id: int,
    number: int,
) -> Shard:
    """Write a bucket, built in parts, as a shard; its row ids begin with `first_row_id`.

    Raises RuntimeError unless it has as many rows as were counted, `number`.
    """
    path = folder / split / f"shard-{bucket:05d}.parquet"
    if not path.is_file():
        rows = _built_rows(folder, split, bucket, parts)
        if split == "train" and config.sampling.temperature > 1:
            copied = [_copies(folder, each) for each in range(config.shards)]
            copies = intake.read_bucket(copied, bucket, sampling.KEYED_SCHEMA)
            rows = sampling.with_copies(rows, copies)
        if rows.num_rows != number:
            raise RuntimeError(f"{path}: {number} rows were counted, {rows.num_rows} are there")
        row_ids = pa.array(range(first_row_id, first_row_id + rows.num_rows), pa.int64())
        rows = rows.set_column(0, ALIGNED_SCHEMA.field("row_id"), row_ids)
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


def gather_samples(folder: Path) -> None:
    """Choose among the dropped lines that the tasks showed those that the corpus shows."""
    write_samples(folder / DROPPED, read_samples(folder.glob("*/dropped/*.jsonl")))


def remove_intermediate(folder: Path) -> None:
    """Leave nothing but the prepared corpus."""
    for name in ("intake", "evaluation", "near", "built", "copies"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "dev_texts.npy").unlink(missing_ok=True)
    remove_parts(folder)


def _sample(
    folder: Path, config: PrepareConfig, languages: tuple[str, str]
) -> Iterator[tuple[str, str]]:
    """Up to `alignment.fit_pairs` different training pairs, in key order."""
    taken = 0
    pieces = taken_in.pieces(folder, "train", "-".join(languages))
    for bucket in range(config.shards):
        rows = intake.in_key_order(intake.read_bucket(pieces, bucket))
        before = None
        for pair in zip(rows["source"].to_pylist(), rows["target"].to_pylist(), strict=True):
            if pair != before:
                if taken == config.alignment.fit_pairs:
                    return
                taken += 1
                yield pair
            before = pair


def _built_rows(folder: Path, split: Split, bucket: int, parts: int) -> pa.Table:
    """The aligned pairs of all parts of a bucket, in key order.

    Raises Unavailable for a part that is not seen here.
    """
    rows = []
    for part in range(parts):
        path = _built(folder, split, bucket, part)
        try:
            rows.append(pq.read_table(path, schema=ALIGNED_SCHEMA))
        except FileNotFoundError as error:
            raise unseen(path) from error
    return pa.concat_tables(rows).combine_chunks()  # so that its bytes do not show the parts


def _built(folder: Path, split: Split, bucket: int, part: int) -> Path:
    return folder / "built" / split / f"{bucket:05d}-{part:02d}.parquet"


def _copies(folder: Path, bucket: int) -> Path:
    return folder / "copies" / f"{bucket:05d}.arrow"


def _write_parquet(rows: pa.Table, path: Path, group_rows: int) -> None:
    with whole(path) as part:
        pq.write_table(rows, part, row_group_size=group_rows, compression="zstd")
