"""Parallel text, pair by pair: Moses pairs of files, TSV, JSONL, Parquet, TMX, datasets.

What cannot be used costs itself and nothing else: a bad line, row or unit becomes an `Unreadable`
with a reason, and those after it keep their numbers. What makes a whole file unusable is an
InputError.

Reading goes by `Chunk`s: cutting a file is fast and has to be done in order, parsing its chunks is
slow and can be done anywhere. The formats stand in `readers`; paths may be patterns, folders and
URIs (`files`, `storage`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.files import file_names, files_of
from clism_ray.corpus.readers import jsonl, moses, parquet, tmx, tsv
from clism_ray.corpus.readers.chunk import CHUNK_LINES, Chunk, Pairs, Reason, Texts, decoded
from clism_ray.records import Origin, SentencePair


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no pair, and why."""

    origin: Origin
    reason: Reason


def read_pairs(corpus: CorpusFiles) -> Iterator[SentencePair | Unreadable]:
    """Every line of a corpus, as a pair or as the reason why it is none. See `read_chunks`."""
    all_files = files_of(corpus)
    for files, names in zip(all_files, file_names(all_files), strict=True):
        for chunk in read_chunks(files):
            yield from parse_chunk(files, names[0], chunk)


def read_chunks(files: CorpusFiles, lines: int = CHUNK_LINES) -> Iterator[Chunk]:
    """A corpus of one file (`files_of`) in chunks of `lines` raw lines, or fewer that are long.

    Raises InputError for a file that is damaged or of another format, Moses files of unequal
    length, and columns, keys or languages that the file does not have.
    """
    match files.format:
        case "moses":
            return moses.chunks(files, lines)
        case "tsv":
            return tsv.chunks(files, lines)
        case "jsonl":
            return jsonl.chunks(files, lines)
        case "parquet":
            return parquet.chunks(files, lines)
        case "tmx":
            return tmx.chunks(files, lines)
        case "huggingface":
            from clism_ray.corpus.readers import huggingface  # here: it takes a second to import

            return huggingface.chunks(files, lines)
        case _:
            assert_never(files.format)


def parse_chunk(files: CorpusFiles, name: str, chunk: Chunk) -> Iterator[SentencePair | Unreadable]:
    """The lines of a chunk of a file so called, each a pair or the reason why it is none."""
    for line, texts in enumerate(_texts(files, chunk), chunk.first_line):
        origin = Origin(files.name, name, line)
        if isinstance(texts, str):
            yield Unreadable(origin, texts)
        else:
            yield SentencePair(origin, files.source_language, files.target_language, *texts)


def _texts(files: CorpusFiles, chunk: Chunk) -> Iterator[Texts]:
    if isinstance(chunk, Pairs):
        return decoded(chunk.pairs)
    if chunk.columns is not None:
        return tsv.texts(chunk.lines, chunk.columns)
    return jsonl.texts(chunk.lines, str(files.source_column), str(files.target_column))
