"""Preparation on Ray Data: parallel text files to a prepared corpus.

    exclude  evaluation file -> runs of words that no pair may share; only if some are named
    read     input file -> chunks of raw lines     a task cuts one file, in order
    take in  chunk -> usable pairs on disk, by buckets of keys, and counts
    compare  bucket -> what its pairs are to be compared with; only if near duplicates are to go
    fit      language pair -> alignment tables
    build    bucket -> aligned pairs in key order, and counts
    copy     bucket -> copies of its rows, by the buckets they fall in; only if some are repeated
    number   bucket -> shard with row ids

A task holds one chunk or one bucket (all rows / shards). What the tasks do is in `stages`; they
hand rows to each other through a folder beside the output, which all nodes must share. There a
run that is cut short leaves what it finished, and the next one goes on (`unfinished`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from clism_ray import cluster, executor
from clism_ray.config_corpus import CorpusFiles, PrepareConfig
from clism_ray.corpus import contamination, exclude, finders, linkers, models, stages, unfinished
from clism_ray.corpus.build import SpanCounts
from clism_ray.corpus.card import InputFile, make_card, write_card, write_page
from clism_ray.corpus.files import content
from clism_ray.corpus.inputs import (
    Input,
    check_pairs_left,
    check_rows_left,
    existing,
    inputs_of,
    licences,
    remembered,
    settings_and_content,
)
from clism_ray.corpus.intake import SPLITS, Counts, Split
from clism_ray.corpus.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    Manifest,
    Shard,
    content_hash,
    read_manifest,
    write_manifest,
)
from clism_ray.corpus.progress import Progress
from clism_ray.corpus.sampling import repeats
from clism_ray.corpus.take_in import take_in
from clism_ray.corpus.tasks import check_cluster, check_shared, disk_full, each
from clism_ray.errors import InputError, Unavailable

Copies: TypeAlias = Counter[tuple[str, int]]  # (language pair, bucket of train) -> rows


class _Built(NamedTuple):
    split: Split
    bucket: int
    rows: int
    counts: Counts
    span_counts: SpanCounts


def prepare(
    config: PrepareConfig, draw_page: Callable[[Path, Manifest], str] | None = None
) -> Manifest:
    """Write the prepared corpus that a configuration describes; returns its manifest.

    `draw_page` draws the data card's page, before the corpus has its name. A corpus that the same
    settings made from the same files is left as it is. A preparation that was cut short goes on:
    what it finished is not made again. Raises InputError for input that cannot be used, for an
    output made otherwise or being made, and where nothing is left.
    """
    inputs = inputs_of(config)
    config = linkers.checked(config)
    config = finders.checked(config, {entry.languages[0] for entry in inputs})
    output = Path(config.output).expanduser().absolute()
    with unfinished.held(output):
        cluster.connect()
        check_cluster(config)
        if not unfinished.is_there(output):
            check_shared(unfinished.folder_of(output), config.resources)
        executor.settings(prompt=True)
        files = [(entry.files, *named) for entry in inputs for named in entry.paths]
        input_files = each(_input_file, files, config.resources)
        hashes = {path: file.sha256 for (_, path, _), file in zip(files, input_files, strict=True)}
        hashes |= finders.hashes(config) | linkers.hashes(config) | exclude.hashes(config)
        made_of = settings_and_content(config, inputs, hashes)
        if unfinished.is_there(output):
            manifest = existing(output, made_of)
            unfinished.discard(output)  # if it was cut short after its last step but one
            return manifest
        try:
            folder = unfinished.open_folder(output, unfinished.made_by(inputs, made_of))
            manifest = _write(config, inputs, folder, input_files, made_of, draw_page)
            unfinished.complete(output, folder)
        except (InputError, OSError) as error:
            shown = disk_full(error) or error
            if not isinstance(shown, Unavailable | OSError):
                unfinished.discard(output)
            raise shown from error
    return manifest


def _write(
    config: PrepareConfig,
    inputs: Sequence[Input],
    folder: Path,
    input_files: Sequence[InputFile],
    made_of: dict[str, Any],
    draw_page: Callable[[Path, Manifest], str] | None,
) -> Manifest:
    """Run all stages; the folder then is the prepared corpus."""
    if not (folder / MANIFEST).is_file():
        exclude.note_evaluations(config, folder)
        counts = take_in(config, inputs, folder)
        exclude.find_near_duplicates(config, folder)
        tables = _fit(config, inputs, folder, counts, made_of)
        built = _build(config, folder, counts)
        spans: SpanCounts = Counter()
        for bucket in built:
            counts.update(bucket.counts)
            spans.update(bucket.span_counts)
        rows = {split: sum(b.rows for b in built if b.split == split) for split in SPLITS}
        check_rows_left(config, rows, counts)
        copies = _copy(config, folder, counts)
        shards = _number(config, folder, built, copies)
        per_pair: Counter[str] = Counter()
        for (pair, _), number in copies.items():
            per_pair[pair] += number
        card = make_card(counts, spans, licences(inputs), input_files, per_pair)
        contaminated = contamination.report(folder)
        write_card(folder, {**card, "contamination": contaminated, "made_of": made_of})
        stages.gather_samples(folder)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            content_hash=content_hash(shards["train"], shards["dev"]),
            language_pairs=tuple(sorted(tables)),
            train=shards["train"],
            dev=shards["dev"],
            licences=card["licences"],
            tables=tables,
            config=remembered(config),
        )
        if draw_page is not None:
            write_page(folder, draw_page(folder, manifest))
        write_manifest(folder, manifest)
    stages.remove_intermediate(folder)
    return read_manifest(folder)


def _fit(
    config: PrepareConfig,
    inputs: Sequence[Input],
    folder: Path,
    counts: Counts,
    made_of: dict[str, Any],
) -> dict[str, str]:
    """Tables of every language pair, and their hashes. A language pair in, its hash out."""
    pairs = sorted({entry.languages for entry in inputs})
    for pair in pairs:
        check_pairs_left(folder, "-".join(pair), counts)
    progress = Progress("fit", "language pairs", len(pairs))
    hashes = each(
        partial(stages.fit_tables, folder, config, made_of["alignment"]["neural"]),
        pairs,
        config.resources,
        lambda digest: progress.add(1),
    )
    progress.end()
    return {"-".join(pair): digest for pair, digest in zip(pairs, hashes, strict=True)}


def _build(config: PrepareConfig, folder: Path, counts: Counts) -> list[_Built]:
    """Aligned pairs of every bucket. A bucket in, its number of rows and its counts out."""
    usable = sum(n if outcome == "in" else -n for (_, _, outcome), n in counts.items())
    progress = Progress("build", "pairs", usable)
    buckets: list[tuple[Split, int]] = [
        (split, bucket) for split in SPLITS for bucket in range(stages.buckets(config, split))
    ]
    outcomes = each(
        partial(stages.build_bucket, folder, config, finders.open_finder, linkers.open_encoder),
        buckets,
        config.resources,
        lambda counted: progress.add(counted.counts[0].total(), counted.is_new),
        models.are_held(config),
    )
    progress.end()
    return [
        _Built(split, bucket, _rows(counts, split), counts, span_counts)
        for (split, bucket), ((counts, span_counts), _) in zip(buckets, outcomes, strict=True)
    ]


def _copy(config: PrepareConfig, folder: Path, counts: Counts) -> Copies:
    """Copies of the rows of small language pairs. A bucket in, where its copies fall out."""
    copies: Copies = Counter()
    if config.sampling.temperature == 1:
        return copies
    sizes: Counter[str] = Counter()
    for (pair, _, outcome), number in counts.items():
        sizes[pair] += number if outcome == "train" else 0
    progress = Progress("copy", "copies")
    for counted in each(
        partial(stages.copy_bucket, folder, config, repeats(+sizes, config.sampling.temperature)),
        [(bucket,) for bucket in range(config.shards)],
        config.resources,
        lambda counted: progress.add(counted.counts[0].total(), counted.is_new),
    ):
        copies.update(counted.counts[0])
    progress.end()
    return copies


def _number(
    config: PrepareConfig, folder: Path, built: Sequence[_Built], copies: Copies
) -> dict[Split, tuple[Shard, ...]]:
    """Shards of both splits, row ids running on. A bucket in, its shard out; none if empty."""
    sizes = [entry.rows for entry in built]
    for (_, bucket), number in copies.items():
        sizes[bucket] += number  # train's buckets come first
    starts = [0, *accumulate(sizes)]
    progress = Progress("number", "rows", starts[-1])
    buckets = [
        (entry.split, entry.bucket, start, size)
        for entry, start, size in zip(built, starts, sizes, strict=False)
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


def _input_file(files: CorpusFiles, path: str, name: str) -> InputFile:
    return InputFile(files.name, name, *content(files, path))
