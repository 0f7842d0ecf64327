"""From raw lines to usable pairs: read, normalise, clean, choose the split, give a key.

The key is a hash of what a pair says, so equal pairs have equal keys wherever they stand, and
the order of keys mixes languages and origins. Pairs are stored by runs of keys (*buckets*), one
file per chunk of lines, so that a later task can gather one bucket from all files.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.clean import cleaned, drop_reason
from clism_ray.corpus.pieces import unseen, whole
from clism_ray.corpus.read import Unreadable
from clism_ray.corpus.samples import Samples, note
from clism_ray.records import SentencePair

Split: TypeAlias = Literal["train", "dev"]
SPLITS: tuple[Split, ...] = ("train", "dev")  # in the order of their row ids
Counts: TypeAlias = Counter[tuple[str, str, str]]  # (language pair, corpus, outcome) -> pairs

KEYS = 1 << 64
SCHEMA = pa.schema(
    [
        ("key", pa.uint64()),
        ("source_language", pa.string()),
        ("target_language", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("corpus", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What decides between train and dev, by the `deciding` text alone."""

    is_dev_corpus: bool
    texts: Container[int]  # keys of the deciding texts of the dev corpora
    fraction: float  # of other pairs, for dev


def take_in(
    entries: Iterable[SentencePair | Unreadable],
    language_pair: str,
    cleaning: CleaningConfig,
    held_out: HeldOut,
) -> tuple[dict[Split, list[dict[str, object]]], Counts, Samples]:
    """Rows of `SCHEMA` for each split; a count of every line: "in", and why it was dropped.

    Samples of what was dropped show the texts as read.
    """
    rows: dict[Split, list[dict[str, object]]] = {"train": [], "dev": []}
    counts: Counts = Counter()
    samples: Samples = {}
    for entry in entries:
        corpus = entry.origin.corpus
        counts[language_pair, corpus, "in"] += 1
        if isinstance(entry, Unreadable):
            counts[language_pair, corpus, entry.reason] += 1
            note(samples, language_pair, entry.reason, entry.origin)
            continue
        source, target = cleaned(entry.source, cleaning), cleaned(entry.target, cleaning)
        languages = entry.source_language, entry.target_language
        reason = drop_reason(source, target, languages, cleaning)
        split = "train" if reason else split_of(deciding(source, target, *languages), held_out)
        if reason or split is None:
            reason = reason or "in_dev"
            counts[language_pair, corpus, reason] += 1
            note(samples, language_pair, reason, entry.origin, entry.source, entry.target)
            continue
        rows[split].append(
            {
                "key": key(entry.source_language, entry.target_language, source, target),
                "source_language": entry.source_language,
                "target_language": entry.target_language,
                "source": source,
                "target": target,
                **entry.origin._asdict(),
            }
        )
    return rows, counts, samples


def deciding(source: str, target: str, source_language: str, target_language: str) -> str:
    """The text whose split a pair is of: the English one, or the source if that is not one side.

    A sentence that meets translations into several languages, or in both directions, is English.
    """
    source_is, target_is = (
        language.partition("-")[0] == "en" for language in (source_language, target_language)
    )
    return target if target_is and not source_is else source


def split_of(text: str, held_out: HeldOut) -> Split | None:
    """The split of pairs that this text decides; None if they must go as dev holds the text."""
    if held_out.is_dev_corpus:
        return "dev"
    number = text_key(text)
    if number in held_out.texts:
        return None
    return "dev" if number < held_out.fraction * KEYS else "train"


def text_key(text: str) -> int:
    """A number below `KEYS`, equal for texts that differ only in case."""
    return key(text.casefold())


def key(*texts: str) -> int:
    """A hash of texts, evenly spread below `KEYS`."""
    digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def bucket_of(number: int, buckets: int) -> int:
    """Which of `buckets` equal runs of keys a key is in."""
    return number * buckets >> 64


def buckets_of(keys: NDArray[np.uint64], buckets: int) -> NDArray[np.int64]:
    """`bucket_of` many keys: keys x buckets >> 64, in halves that 64 bits hold."""
    half, number = np.uint64(32), np.uint64(buckets)
    low = (keys & np.uint64(0xFFFFFFFF)) * number >> half
    return ((keys >> half) * number + low >> half).astype(np.int64)


def write_buckets(rows: Sequence[dict[str, object]], path: Path, buckets: int) -> None:
    """Store rows as one Arrow file whose record batch n is bucket n; complete or not at all."""
    ordered: list[list[dict[str, object]]] = [[] for _ in range(buckets)]
    for row in rows:
        number = row["key"]
        assert isinstance(number, int)
        ordered[bucket_of(number, buckets)].append(row)
    write_batches((pa.RecordBatch.from_pylist(bucket, schema=SCHEMA) for bucket in ordered), path)


def write_batches(batches: Iterable[Any], path: Path, schema: pa.Schema = SCHEMA) -> None:
    """Store record batches as one Arrow file, complete or not at all."""
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with whole(path) as part, pa.OSFile(str(part), "wb") as file:
        with pa.ipc.new_file(file, schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)


def read_bucket(
    paths: Iterable[Path],
    bucket: int,
    schema: pa.Schema = SCHEMA,
    keep: Callable[[pa.RecordBatch], pa.Array] | None = None,
) -> pa.Table:
    """One bucket, gathered from the files that hold parts of it, or the rows that `keep` flags.

    Raises Unavailable for a file that is not seen here.
    """
    batches = []
    for path in paths:
        try:
            with pa.memory_map(str(path)) as file:
                batch = pa.ipc.open_file(file).get_batch(bucket)
                batches.append(batch.filter(keep(batch)) if keep else batch)
        except FileNotFoundError as error:
            raise unseen(path) from error
    return pa.Table.from_batches(batches, schema=schema)


def in_key_order(rows: pa.Table) -> pa.Table:
    """Rows by key; of equal pairs the one with the lowest (corpus, file, line) comes first."""
    columns = ("key", "source", "target", "corpus", "file", "line")
    return rows.sort_by([(column, "ascending") for column in columns])
