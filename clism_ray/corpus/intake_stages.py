"""The tasks of taking in, each a function from files to files, as those of `stages` are."""

import dataclasses
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import intake, taken_in
from clism_ray.corpus.contamination import drop_contaminated
from clism_ray.corpus.cuts import buckets
from clism_ray.corpus.inputs import Input
from clism_ray.corpus.intake import Counts
from clism_ray.corpus.pieces import Counted, once, unseen, whole
from clism_ray.corpus.read import parse_chunk
from clism_ray.corpus.readers.chunk import Chunk, Pairs
from clism_ray.corpus.samples import write_samples
from clism_ray.corpus.taken_in import Pieces
from clism_ray.garbage import seldom_collected

_DECIDING = ["source", "target", "source_language", "target_language"]


def to_take_in(folder: Path, source: Input, chunk: Chunk) -> Chunk:
    """A chunk as it is handed to `take_in_chunk`: empty if that took it in already.

    Each chunk goes on, for Ray knows them by their places when it asks for one again.
    """
    if not taken_in.record(folder, _chunk_name(source, chunk)).is_file():
        return chunk
    if isinstance(chunk, Pairs):
        return dataclasses.replace(chunk, pairs=())
    return dataclasses.replace(chunk, lines=())


def take_in_chunk(folder: Path, config: PrepareConfig, source: Input, chunk: Chunk) -> Counted:
    """Store the usable pairs of a chunk; counts of all its lines, and its `Pieces`.

    Raises Unavailable where a chunk was emptied, being taken in already, and that is not seen here.
    """
    name = _chunk_name(source, chunk)
    record = taken_in.record(folder, name)

    def take_in() -> tuple[Counts, Pieces]:
        if not (chunk.pairs if isinstance(chunk, Pairs) else chunk.lines):
            raise unseen(record)
        held_out = intake.HeldOut(
            is_dev_corpus=source.is_dev,
            texts=frozenset() if source.is_dev else _dev_texts(folder),
            fraction=config.dev.fraction,
        )
        entries = parse_chunk(source.files, source.name, chunk)
        languages = "-".join(source.languages)
        with seldom_collected():
            rows, counts, samples = intake.take_in(entries, languages, config.cleaning, held_out)
        if config.cleaning.decontaminate.files:
            ngram = config.cleaning.decontaminate.ngram
            rows = drop_contaminated(folder, ngram, name, rows, counts, samples)
        write_samples(folder / "intake" / "dropped" / f"{name}.jsonl", samples)
        pieces: Pieces = Counter()
        for split, split_rows in rows.items():
            if split_rows:
                path = taken_in.piece(folder, split, name)
                intake.write_buckets(split_rows, path, buckets(config, split))
                pieces[split, languages, name] = len(split_rows)
        return counts, pieces

    return once(record, take_in)


def note_dev_texts(folder: Path, config: PrepareConfig) -> None:
    """Note which texts decide for the dev corpora, before the other corpora are taken in."""
    path = folder / "dev_texts.npy"
    if path.is_file():
        return
    texts: set[str] = set()
    pieces = taken_in.pieces(folder, "dev", corpora=["dev"])
    for bucket in range(buckets(config, "dev")):
        rows = intake.read_bucket(pieces, bucket).select(_DECIDING).to_pydict()
        texts.update(map(intake.deciding, *(rows[column] for column in _DECIDING)))
    keys = np.array(sorted({intake.text_key(text) for text in texts}), dtype=np.uint64)
    with whole(path) as part, part.open("wb") as file:
        np.save(file, keys)


@lru_cache(maxsize=1)
def _dev_texts(folder: Path) -> frozenset[int]:
    path = folder / "dev_texts.npy"
    try:
        return frozenset(np.load(path).tolist())
    except FileNotFoundError as error:
        raise unseen(path) from error


def _chunk_name(source: Input, chunk: Chunk) -> str:
    return f"{source.number:05d}-{chunk.first_line:012d}"
