"""Preparation on Ray Data: parallel text files to a prepared corpus.

    read     input file -> chunks of raw lines     a task cuts one file, in order
    take in  chunk -> usable pairs on disk, by buckets of keys, and counts
    fit      language pair -> alignment tables
    build    bucket -> aligned pairs in key order, and counts
    number   bucket -> shard with row ids

A task holds one chunk or one bucket (all rows / shards). What the tasks do is in `stages`; they
hand rows to each other through a folder beside the output, which all nodes must share.
"""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from clism_ray.cluster import connect
from clism_ray.config import CorpusFiles, PrepareConfig, to_tree
from clism_ray.corpus import stages
from clism_ray.corpus.build import SpanCounts
from clism_ray.corpus.card import InputFile, make_card, write_card
from clism_ray.corpus.files import content, file_name, paths
from clism_ray.corpus.inputs import (
    Input,
    check_pairs_left,
    check_rows_left,
    existing,
    inputs_of,
    settings_and_content,
)
from clism_ray.corpus.intake import SPLITS, Counts, Split
from clism_ray.corpus.manifest import (
    FORMAT_VERSION,
    Manifest,
    Shard,
    content_hash,
    write_manifest,
)
from clism_ray.corpus.read import read_chunks
from clism_ray.corpus.readers.chunk import Chunk
from clism_ray.corpus.tasks import attempt, disk_full, each, options, places, quiet, results
from clism_ray.errors import InputError


class _Built(NamedTuple):
    split: Split
    bucket: int
    rows: int
    counts: Counts
    span_counts: SpanCounts


def prepare(config: PrepareConfig) -> Manifest:
    """Write the prepared corpus that a configuration describes; returns its manifest.

    A corpus that the same settings made from the same files is left as it is. Raises InputError
    for input that cannot be used, for an output made otherwise, and where nothing is left.
    """
    inputs = inputs_of(config)
    output = Path(config.output).expanduser().absolute()
    connect()
    quiet()
    files = [(entry.files, path) for entry in inputs for path in paths(entry.files)]
    input_files = each(_input_file, files, config.resources)
    hashes = {path: file.sha256 for (_, path), file in zip(files, input_files, strict=True)}
    made_of = settings_and_content(config, inputs, hashes)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        return existing(output, made_of)
    folder = output.with_name(output.name + ".unfinished")
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    try:
        folder.mkdir(parents=True)
        manifest = _write(config, inputs, folder, input_files, made_of)
        folder.rename(output)
    except (InputError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise (disk_full(error) or error) from error
    return manifest


def _write(
    config: PrepareConfig,
    inputs: Sequence[Input],
    folder: Path,
    input_files: Sequence[InputFile],
    made_of: dict[str, Any],
) -> Manifest:
    """Run all stages; the folder then is the prepared corpus."""
    counts = _take_in(config, [entry for entry in inputs if entry.is_dev], folder)
    stages.note_dev_sources(folder, config)
    counts += _take_in(config, [entry for entry in inputs if not entry.is_dev], folder)
    tables = _fit(config, inputs, folder, counts)
    built = _build(config, folder)
    spans: SpanCounts = Counter()
    for bucket in built:
        counts.update(bucket.counts)
        spans.update(bucket.span_counts)
    rows = {split: sum(b.rows for b in built if b.split == split) for split in SPLITS}
    check_rows_left(config, rows, counts)
    shards = _number(config, folder, built)
    licences = {entry.files.name: entry.files.licence for entry in inputs}
    card = make_card(counts, spans, licences, input_files)
    write_card(folder, {**card, "made_of": made_of})
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        content_hash=content_hash(shards["train"], shards["dev"]),
        language_pairs=tuple(sorted(tables)),
        train=shards["train"],
        dev=shards["dev"],
        licences=card["licences"],
        tables=tables,
        config=to_tree(config),
    )
    write_manifest(folder, manifest)
    stages.remove_intermediate(folder)
    return manifest


def _take_in(config: PrepareConfig, inputs: Sequence[Input], folder: Path) -> Counts:
    """Usable pairs of all inputs, on disk. A file in, its chunks out; a chunk in, counts out."""
    counts: Counts = Counter()
    if not inputs:
        return counts
    started = time.monotonic()
    task_options = options(config.resources)
    chunks = places(len(inputs)).map_batches(
        partial(_read, inputs),
        **{**task_options, "num_cpus": config.resources.cpus_per_task / 2},  # unequal: not fused
    )
    taken = chunks.map_batches(
        partial(_take_in_chunk, config, inputs, folder),
        **task_options,
    )
    taken.context.target_max_block_size = 1  # a block for each chunk, so a task for each
    for result in results(taken.iter_rows()):
        counts.update(result)
    lines = sum(number for (_, _, outcome), number in counts.items() if outcome == "in")
    _report("take in", lines, "lines", started)
    return counts


def _fit(
    config: PrepareConfig, inputs: Sequence[Input], folder: Path, counts: Counts
) -> dict[str, str]:
    """Tables of every language pair, and their hashes. A language pair in, its hash out."""
    started = time.monotonic()
    pairs = sorted({entry.languages for entry in inputs})
    for pair in pairs:
        check_pairs_left("-".join(pair), counts)
    hashes = each(partial(stages.fit_tables, folder, config), pairs, config.resources)
    _report("fit", len(pairs), "language pairs", started)
    return {"-".join(pair): digest for pair, digest in zip(pairs, hashes, strict=True)}


def _build(config: PrepareConfig, folder: Path) -> list[_Built]:
    """Aligned pairs of every bucket. A bucket in, its number of rows and its counts out."""
    started = time.monotonic()
    buckets: list[tuple[Split, int]] = [
        (split, bucket) for split in SPLITS for bucket in range(stages.buckets(config, split))
    ]
    outcomes = each(partial(stages.build_bucket, folder, config), buckets, config.resources)
    built = [
        _Built(split, bucket, rows, counts, span_counts)
        for (split, bucket), (rows, counts, span_counts) in zip(buckets, outcomes, strict=True)
    ]
    _report("build", sum(entry.counts.total() for entry in built), "pairs", started)
    return built


def _number(
    config: PrepareConfig, folder: Path, built: Sequence[_Built]
) -> dict[Split, tuple[Shard, ...]]:
    """Shards of both splits, row ids running on. A bucket in, its shard out; none if empty."""
    started = time.monotonic()
    starts = [0, *accumulate(entry.rows for entry in built)]
    buckets = [
        (entry.split, entry.bucket, start)
        for entry, start in zip(built, starts, strict=False)
        if entry.rows
    ]
    shards = each(partial(stages.number_bucket, folder, config), buckets, config.resources)
    _report("number", starts[-1], "pairs", started)
    return {
        split: tuple(s for bucket, s in zip(buckets, shards, strict=True) if bucket[0] == split)
        for split in SPLITS
    }


def _read(inputs: Sequence[Input], batch: pa.Table) -> Iterator[pa.Table]:
    """{"place": n} -> the chunks of input n, and the error that ended them if one did."""
    place = batch["place"][0].as_py()
    chunks: Iterator[Chunk | None] = read_chunks(inputs[place].files)
    ended = False
    while not ended:
        chunk = None

        def following() -> tuple[int, Chunk | None]:
            nonlocal chunk
            chunk = next(chunks, None)
            return place, chunk

        outcome = attempt(following)
        ended = chunk is None
        yield outcome


def _take_in_chunk(
    config: PrepareConfig, inputs: Sequence[Input], folder: Path, batch: pa.Table
) -> pa.Table:
    """A chunk -> the counts of its lines."""

    def take_in() -> Counts:
        (place, chunk) = next(results(batch.to_pylist()))
        return stages.take_in_chunk(folder, config, inputs[place], chunk) if chunk else Counter()

    return attempt(take_in)


def _input_file(files: CorpusFiles, path: str) -> InputFile:
    return InputFile(files.name, file_name(files, path), *content(files, path))


def _report(stage: str, number: int, what: str, started: float) -> None:
    seconds = time.monotonic() - started
    rate = number / max(seconds, 1e-3)
    print(
        f"{stage:8}{number:>12,} {what} in {seconds:,.1f} s ({rate:,.1f}/s)",
        file=sys.stderr,
        flush=True,
    )
