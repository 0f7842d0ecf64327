"""The first stage of preparation: input files to usable pairs on disk, on Ray Data."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import intake_stages, taken_in
from clism_ray.corpus.inputs import Input
from clism_ray.corpus.intake import Counts
from clism_ray.corpus.pieces import Counted, once
from clism_ray.corpus.progress import Progress
from clism_ray.corpus.read import read_chunks
from clism_ray.corpus.readers.chunk import CHUNK_BYTES, Chunk
from clism_ray.corpus.taken_in import Pieces
from clism_ray.corpus.tasks import at_a_time, attempt, bound, least_cpus, options, places, results


def take_in(config: PrepareConfig, inputs: Sequence[Input], folder: Path) -> Counts:
    """Store the usable pairs of all inputs; returns their counts.

    The dev corpora come first, as the others avoid their sentences.
    """
    counts = _of_split(config, [entry for entry in inputs if entry.is_dev], folder, "dev")
    intake_stages.note_dev_texts(folder, config)
    others = [entry for entry in inputs if not entry.is_dev]
    return counts + _of_split(config, others, folder, "train")


def _of_split(config: PrepareConfig, inputs: Sequence[Input], folder: Path, name: str) -> Counts:
    """Their counts, which are noted with the names of the pieces, even if there are none."""
    record = taken_in.record(folder, name)
    if not inputs:
        once(record, lambda: (Counter(), Counter()))
        return Counter()
    progress = Progress("take in", "lines")
    (counts, _), is_new = once(record, lambda: _take_in(config, inputs, folder, progress))
    if not is_new:
        progress.add(_lines(counts), is_new)
    progress.end()
    return counts


def _take_in(
    config: PrepareConfig, inputs: Sequence[Input], folder: Path, progress: Progress
) -> tuple[Counts, Pieces]:
    """A file in, its chunks out; a chunk in, its counts and pieces out."""
    counts: Counts = Counter()
    pieces: Pieces = Counter()
    resources = config.resources
    # Without a CPU of its own nothing else says how many may cut files.
    cutters = replace(resources, max_tasks=at_a_time(resources))
    chunks = places(len(inputs)).map_batches(
        partial(_read, inputs, folder), **{**options(cutters), "num_cpus": least_cpus(resources)}
    )
    taken = chunks.map_batches(
        partial(_take_in_chunk, config, inputs, folder), **options(resources)
    )
    taken.context.target_max_block_size = 1  # a block for each chunk, so a task for each
    bound(taken, 2 * CHUNK_BYTES, resources)
    for (chunk_counts, chunk_pieces), is_new in results(taken.iter_rows()):
        progress.add(_lines(chunk_counts), is_new)
        counts.update(chunk_counts)
        pieces.update(chunk_pieces)
    return counts, pieces


def _read(inputs: Sequence[Input], folder: Path, batch: pa.Table) -> Iterator[pa.Table]:
    """{"place": n} -> the chunks of input n, and the error that ended them if one did."""
    place = batch["place"][0].as_py()
    chunks: Iterator[Chunk | None] = read_chunks(inputs[place].files)
    ended = False
    while not ended:
        chunk = None

        def following() -> tuple[int, Chunk | None]:
            nonlocal chunk
            chunk = next(chunks, None)
            return place, chunk and intake_stages.to_take_in(folder, inputs[place], chunk)

        outcome = attempt(following)
        ended = chunk is None
        yield outcome


def _take_in_chunk(
    config: PrepareConfig, inputs: Sequence[Input], folder: Path, batch: pa.Table
) -> pa.Table:
    """A chunk -> the counts of its lines and its pieces."""

    def take_in() -> Counted:
        (place, chunk) = next(results(batch.to_pylist()))
        if chunk is None:
            return Counted((Counter(), Counter()), is_new=True)
        return intake_stages.take_in_chunk(folder, config, inputs[place], chunk)

    return attempt(take_in)


def _lines(counts: Counts) -> int:
    return sum(number for (_, _, outcome), number in counts.items() if outcome == "in")
