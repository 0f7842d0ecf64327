"""Preparation on Ray Data: parallel text files to a prepared corpus.

    read     input file -> chunks of raw lines     a task cuts one file, in order
    take in  chunk -> usable pairs on disk, by buckets of keys, and counts
    fit      language pair -> alignment tables
    build    bucket -> aligned pairs in key order, and counts
    number   bucket -> shard with row ids

A task holds one chunk or one bucket (all rows / shards). The tasks themselves are in `stages`;
they hand rows to each other through a folder beside the output, which all nodes must share.
"""

import dataclasses
import json
import logging
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from errno import ENOSPC
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import ray
from ray import cloudpickle

from clism_ray.cluster import connect
from clism_ray.config import CorpusFiles, PrepareConfig, differences, to_tree
from clism_ray.corpus import stages
from clism_ray.corpus.build import SpanCounts
from clism_ray.corpus.card import CARD, InputFile, make_card, write_card
from clism_ray.corpus.intake import Counts, Split
from clism_ray.corpus.manifest import (
    FORMAT_VERSION,
    Manifest,
    Shard,
    content_hash,
    file_sha256,
    read_manifest,
    write_manifest,
)
from clism_ray.corpus.read import Chunk, check_files, paths, read_chunks
from clism_ray.corpus.spans import finder
from clism_ray.corpus.stages import Input
from clism_ray.errors import InputError

ResultT = TypeVar("ResultT")
_CHUNK = pa.schema(
    [
        ("input", pa.int64()),
        ("first_line", pa.int64()),
        ("source", pa.binary()),
        ("target", pa.binary()),
        ("columns", pa.list_(pa.int64())),
        ("error", pa.string()),
    ]
)
_RESULT = pa.schema([("result", pa.binary()), ("error", pa.string())])


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
    inputs = _inputs(config)
    output = Path(config.output).expanduser().absolute()
    connect()
    _quiet()
    places = [(entry, path) for entry in inputs for path in paths(entry.files)]
    input_files = _each(_input_file, places, config)
    hashes = {str(path): file.sha256 for (_, path), file in zip(places, input_files, strict=True)}
    made_of = _made_of(config, hashes)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        return _existing(output, made_of)
    folder = output.with_name(output.name + ".unfinished")
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    try:
        folder.mkdir(parents=True)
        manifest = _write(config, inputs, folder, input_files, made_of)
        folder.rename(output)
    except InputError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        if error.errno != ENOSPC:
            raise
        raise InputError(_disk_full(error)) from error
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
    counts = sum((entry.counts for entry in built), counts)
    _check_something_is_left(config, built, counts)
    shards = _number(config, folder, built)
    spans = sum((entry.span_counts for entry in built), SpanCounts())
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
    """Chunks of all inputs to usable pairs on disk. One chunk in, one count out."""
    counts: Counts = Counter()
    if not inputs:
        return counts
    started = time.monotonic()
    chunks = ray.data.from_items(
        [{"input": n} for n in range(len(inputs))], override_num_blocks=len(inputs)
    ).map_batches(
        partial(_read, inputs),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=config.resources.cpus_per_task / 2,  # unequal, so that Ray keeps the two apart
    )
    taken = chunks.map_batches(
        partial(_guarded, partial(_take_in_chunk, folder, config, inputs)),
        batch_size=1,
        batch_format="pyarrow",
        **_resources(config),
    )
    taken.context.target_max_block_size = 1  # a block for each chunk, so a task for each
    for result in _results(taken):
        counts += result
    _report("take in", sum(n for key, n in counts.items() if key[2] == "in"), "lines", started)
    return counts


def _fit(
    config: PrepareConfig, inputs: Sequence[Input], folder: Path, counts: Counts
) -> dict[str, str]:
    """Tables of every language pair. One language pair in, one hash out."""
    started = time.monotonic()
    pairs = sorted({_languages(entry.files) for entry in inputs})
    for pair in pairs:
        _check_left("-".join(pair), counts)
    hashes = _each(partial(stages.fit_tables, folder, config), pairs, config)
    _report("fit", len(pairs), "language pairs", started)
    return {"-".join(pair): digest for pair, digest in zip(pairs, hashes, strict=True)}


def _build(config: PrepareConfig, folder: Path) -> list[_Built]:
    """Aligned pairs of every bucket. One bucket in, its number of rows and its counts out."""
    started = time.monotonic()
    places = [
        (split, bucket)
        for split in ("train", "dev")
        for bucket in range(stages.buckets(config, split))
    ]
    outcomes = _each(partial(stages.build_bucket, folder, config), places, config)
    built = [_Built(*place, *outcome) for place, outcome in zip(places, outcomes, strict=True)]
    pairs = sum(entry.counts.total() for entry in built)
    _report("build", pairs, "pairs", started)
    return built


def _number(
    config: PrepareConfig, folder: Path, built: Sequence[_Built]
) -> dict[str, tuple[Shard, ...]]:
    """Shards of both splits. One bucket in, one shard out; row ids run on from shard to shard."""
    started = time.monotonic()
    starts = [0, *accumulate(entry.rows for entry in built)]
    places = [
        (entry.split, entry.bucket, start)
        for entry, start in zip(built, starts, strict=False)
        if entry.rows
    ]
    shards = _each(partial(stages.number_bucket, folder, config), places, config)
    _report("number", starts[-1], "pairs", started)
    return {
        split: tuple(
            shard for place, shard in zip(places, shards, strict=True) if place[0] == split
        )
        for split in ("train", "dev")
    }


def _each(
    function: Callable[..., ResultT], places: Sequence[tuple[Any, ...]], config: PrepareConfig
) -> list[ResultT]:
    """function(*place) for every place, each in a task of its own; results in their order."""
    tasks = ray.data.from_items(
        [{"place": n} for n in range(len(places))], override_num_blocks=len(places)
    ).map_batches(
        partial(_guarded, partial(_at_place, function, places)),
        batch_size=1,
        batch_format="pyarrow",
        **_resources(config),
    )
    by_place = dict(_results(tasks))
    return [by_place[n] for n in range(len(places))]


def _at_place(
    function: Callable[..., ResultT], places: Sequence[tuple[Any, ...]], task: dict[str, Any]
) -> tuple[int, ResultT]:
    return task["place"], function(*places[task["place"]])


def _read(inputs: Sequence[Input], batch: pa.Table) -> Iterator[pa.Table]:
    """Input {"input"} -> its chunks, a row each, or the error that ended them."""
    number = batch["input"][0].as_py()
    try:
        for chunk in read_chunks(inputs[number].files):
            row = {"input": number, **dataclasses.asdict(chunk)}
            yield pa.Table.from_pylist([row], schema=_CHUNK)
    except InputError as error:
        yield pa.Table.from_pylist([{"input": number, "error": str(error)}], schema=_CHUNK)


def _take_in_chunk(
    folder: Path, config: PrepareConfig, inputs: Sequence[Input], row: dict[str, Any]
) -> Counts:
    if row["error"] is not None:
        raise InputError(row["error"])
    columns = tuple(row["columns"]) if row["columns"] is not None else None
    chunk = Chunk(row["first_line"], row["source"], row["target"], columns)
    return stages.take_in_chunk(folder, config, inputs[row["input"]], chunk)


def _guarded(function: Callable[[dict[str, Any]], Any], batch: pa.Table) -> pa.Table:
    """One task row -> its pickled result, or the text of the error that a user is to read.

    An exception that leaves a task arrives wrapped in tracebacks, after retries.
    """
    result, error = b"", None
    try:
        result = cloudpickle.dumps(function(batch.to_pylist()[0]))
    except InputError as problem:
        error = str(problem)
    except OSError as problem:
        if problem.errno != ENOSPC:
            raise
        error = _disk_full(problem)
    return pa.Table.from_pylist([{"result": result, "error": error}], schema=_RESULT)


def _results(tasks: Any) -> Iterator[Any]:
    for row in tasks.iter_rows():
        if row["error"] is not None:
            raise InputError(row["error"])
        yield cloudpickle.loads(row["result"])


def _inputs(config: PrepareConfig) -> list[Input]:
    """The corpora of both splits, checked as far as a look at their settings goes."""
    corpora = [(files, False) for files in config.corpora]
    corpora += [(files, True) for files in config.dev.corpora]
    inputs = [Input(n, files, is_dev) for n, (files, is_dev) in enumerate(corpora)]
    trained = {_languages(entry.files) for entry in inputs if not entry.is_dev}
    origins: set[tuple[str, str]] = set()
    for entry in inputs:
        files = entry.files
        check_files(files)
        finder(config.spans, files.source_language)
        origin = files.name, Path(files.path).name
        if origin in origins:
            raise InputError(
                f"corpus {files.name!r}: two of its files are called {origin[1]}; "
                "give one of them another corpus name, so that a line's origin is clear"
            )
        origins.add(origin)
        if _languages(files) not in trained:
            raise InputError(
                f"dev corpus {files.name!r}: {'-'.join(_languages(files))} has no training corpus, "
                "so no alignment tables; remove it, or add a corpus of these languages"
            )
    return inputs


def _check_left(language_pair: str, counts: Counts) -> None:
    """InputError if no usable pair of a language pair came in."""
    row: Counter[str] = Counter()
    for (pair, _, outcome), number in counts.items():
        row[outcome] += number if pair == language_pair else 0
    if row["in"] == sum(number for outcome, number in row.items() if outcome != "in"):
        raise InputError(f"{language_pair}: no pair is left of {_because(row)}")


def _check_something_is_left(
    config: PrepareConfig, built: Sequence[_Built], counts: Counts
) -> None:
    outcomes: Counter[str] = Counter()
    for (_, _, outcome), number in counts.items():
        outcomes[outcome] += number
    held_out = bool(config.dev.corpora or config.dev.fraction)
    for split in ("train", "dev") if held_out else ("train",):
        if not any(entry.rows for entry in built if entry.split == split):
            raise InputError(f"no {split} pair is left of {_because(outcomes)}")


def _because(outcomes: Counter[str]) -> str:
    reasons = ", ".join(f"{k} {n:,}" for k, n in outcomes.most_common() if k != "in" and n)
    return f"{outcomes['in']:,} lines: {reasons or 'the files are empty'}"


def _input_file(entry: Input, path: Path) -> InputFile:
    return InputFile(entry.files.name, path.name, path.stat().st_size, file_sha256(path))


def _made_of(config: PrepareConfig, hashes: dict[str, str]) -> dict[str, Any]:
    """What decides the content: the settings, and the files' content in place of their paths."""
    tree = {k: v for k, v in to_tree(config).items() if k not in ("output", "resources")}
    for files in (*tree["corpora"], *tree["dev"]["corpora"]):
        for key in ("path", "target_path"):
            files[key] = files[key] and hashes[files[key]]
    return tree


def _existing(output: Path, made_of: dict[str, Any]) -> Manifest:
    """The corpus that stands there already, if it is the one that was asked for."""
    manifest = read_manifest(output)
    card = json.loads((output / CARD).read_text(encoding="utf-8"))
    different = differences(card["made_of"], made_of)
    if different:
        raise InputError(
            f"{output}: another corpus is there already; choose another output, or remove it. "
            "It differs in\n  " + "\n  ".join(different)
        )
    print(f"{output}: already prepared from the same files with the same settings", file=sys.stderr)
    return manifest


def _languages(files: CorpusFiles) -> tuple[str, str]:
    return files.source_language, files.target_language


def _resources(config: PrepareConfig) -> dict[str, Any]:
    return {
        "num_cpus": config.resources.cpus_per_task,
        "concurrency": config.resources.max_tasks,
    }


def _disk_full(error: OSError) -> str:
    return (
        f"no space left on the device{f' of {error.filename}' if error.filename else ''}; "
        "preparation needs about three times the size of its output: free some, or choose "
        "an output on another device"
    )


def _quiet() -> None:
    """No progress bars and no notes on each execution: `_report` has a line for each stage."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    for name in ("execution.streaming_executor", "progress"):
        logging.getLogger(f"ray.data._internal.{name}").setLevel(logging.WARNING)
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)


def _report(stage: str, number: int, what: str, started: float) -> None:
    seconds = time.monotonic() - started
    rate = f"{number / seconds:,.0f}/s" if seconds > 0 else ""
    print(
        f"{stage:8} {number:>12,} {what} in {seconds:,.1f} s, {rate}", file=sys.stderr, flush=True
    )
