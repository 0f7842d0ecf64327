"""Preparation on Ray Data: parallel text files to a prepared corpus.

    exclude  evaluation file -> runs of words that no pair may share; only if some are named
    read     input file -> chunks of raw lines     a task cuts one file, in order
    take in  chunk -> usable pairs on disk, by buckets of keys, and counts
    compare  bucket -> what its pairs are to be compared with; only if near duplicates are to go
    fit      language pair -> alignment tables
    build    part of a bucket -> aligned pairs in key order, and counts
    copy     bucket -> copies of its rows, by the buckets they fall in; only if some are repeated
    number   bucket -> shard with row ids

A task holds one chunk or one bucket (all rows / shards). What the tasks do is in `stages`; they
hand rows to each other through a folder beside the output, which all nodes must share. There a
run that is cut short leaves what it finished, and the next one goes on (`unfinished`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from clism_ray import cluster, executor
from clism_ray.config_corpus import CorpusFiles, PrepareConfig
from clism_ray.corpus import (
    contamination,
    exclude,
    finders,
    linkers,
    sharding,
    stages,
    unfinished,
)
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
from clism_ray.corpus.intake import SPLITS, Counts
from clism_ray.corpus.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    Manifest,
    content_hash,
    read_manifest,
    write_manifest,
)
from clism_ray.corpus.progress import Progress
from clism_ray.corpus.take_in import take_in
from clism_ray.corpus.tasks import check_cluster, check_shared, disk_full, each
from clism_ray.errors import InputError, Unavailable


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
        built = sharding.build(config, folder, counts)
        spans: SpanCounts = Counter()
        for part in built:
            counts.update(part.counts)
            spans.update(part.span_counts)
        rows = {split: sum(b.rows for b in built if b.split == split) for split in SPLITS}
        check_rows_left(config, rows, counts)
        copies = sharding.copy(config, folder, counts)
        shards = sharding.number(config, folder, built, copies)
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


def _input_file(files: CorpusFiles, path: str, name: str) -> InputFile:
    return InputFile(files.name, name, *content(files, path))
