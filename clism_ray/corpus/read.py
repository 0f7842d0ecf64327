"""Parallel text files, line by line: Moses pairs of files, TSV, JSONL; plain or .gz.

A line that cannot be used costs itself and nothing else: it becomes an `Unreadable` with a
reason, and the lines after it keep their places. So files are cut on the byte `\\n` only, and
each line is decoded alone. What makes a whole file unusable is an InputError.

Reading goes by `Chunk`s of raw lines: cutting a file is fast and has to be done in order,
parsing its chunks is slow and can be done anywhere.
"""

import gzip
import itertools
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clism_ray.config import CorpusFiles
from clism_ray.errors import InputError
from clism_ray.records import Origin, SentencePair

CHUNK_LINES = 10_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no pair, and why: undecodable, too_few_columns, bad_json, no_text."""

    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive raw lines, joined by `\\n`, and where they start."""

    first_line: int  # from 1
    source: bytes  # moses: the source side; else: whole lines
    target: bytes | None  # moses: the target side
    columns: tuple[int, int] | None  # tsv: positions of source and target


class _LineError(Exception):
    """A line that holds no pair; its argument is the reason."""


def read_pairs(files: CorpusFiles) -> Iterator[SentencePair | Unreadable]:
    """Every line of a corpus, as a pair or as the reason why it is none. See `read_chunks`."""
    for chunk in read_chunks(files):
        yield from parse_chunk(files, chunk)


def read_chunks(files: CorpusFiles, lines: int = CHUNK_LINES) -> Iterator[Chunk]:
    """A corpus in chunks of `lines` raw lines.

    Raises InputError for a missing file, a damaged .gz, Moses files of unequal length, and
    for columns or keys that the file does not have (its first chunk is asked).
    """
    check_files(files)
    if files.format == "moses":
        yield from _moses_chunks(files, lines)
        return
    raw = raw_lines(Path(files.path))
    columns, first_line, started = None, 1, False
    if files.format == "tsv":
        header = _header(files, next(raw, b"")) if files.header else None
        columns = _column(files, "source", header), _column(files, "target", header)
        first_line = 2 if files.header else 1
    while block := list(itertools.islice(raw, lines)):
        chunk = Chunk(first_line, b"\n".join(block), None, columns)
        if not started:
            _check_first_chunk(files, chunk)
        yield chunk
        first_line, started = first_line + len(block), True


def parse_chunk(files: CorpusFiles, chunk: Chunk) -> Iterator[SentencePair | Unreadable]:
    """The lines of a chunk, each a pair or the reason why it is none."""
    sources = chunk.source.split(b"\n")
    targets = sources if chunk.target is None else chunk.target.split(b"\n")
    name = Path(files.path).name
    for line, (source, target) in enumerate(zip(sources, targets, strict=True), chunk.first_line):
        origin = Origin(files.name, name, line)
        try:
            texts = _texts(files, chunk.columns, source, target)
        except _LineError as error:
            yield Unreadable(origin, str(error))
            continue
        yield SentencePair(origin, files.source_language, files.target_language, *texts)


def check_files(files: CorpusFiles) -> None:
    """InputError if a file is missing or the settings do not fit the format."""
    where = f"corpus {files.name!r}"
    if (files.format == "moses") != (files.target_path is not None):
        raise InputError(
            f"{where}: target_path belongs to format moses and to no other; "
            f"got format {files.format} and target_path {files.target_path!r}"
        )
    if files.header and files.format != "tsv":
        raise InputError(f"{where}: header is for format tsv; got format {files.format}")
    for side, column in (("source", files.source_column), ("target", files.target_column)):
        if files.format == "jsonl" and not isinstance(column, str):
            raise InputError(
                f"{where}: format jsonl takes a key as {side}_column, as in "
                f"{side}_column: {side}; got {column!r}"
            )
        if files.format == "tsv" and isinstance(column, str) and not files.header:
            raise InputError(
                f"{where}: {side}_column {column!r} is a name, but header is false; "
                "set header: true, or give the position, from 0"
            )
    for path in paths(files):
        if not path.is_file():
            raise InputError(f"{where}: {path}: no such file")


def paths(files: CorpusFiles) -> list[Path]:
    """The files of a corpus."""
    return [Path(path) for path in (files.path, files.target_path) if path is not None]


def _texts(
    files: CorpusFiles, columns: tuple[int, int] | None, source: bytes, target: bytes
) -> tuple[str, str]:
    try:
        if files.format == "moses":
            return source.decode(), target.decode()
        text = source.decode()
    except UnicodeDecodeError:
        raise _LineError("undecodable") from None
    if columns is not None:
        fields = text.split("\t")
        if len(fields) <= max(columns):
            raise _LineError("too_few_columns")
        return fields[columns[0]], fields[columns[1]]
    return _json_texts(files, text)


def _json_texts(files: CorpusFiles, text: str) -> tuple[str, str]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise _LineError("bad_json") from None
    if not isinstance(record, dict):
        raise _LineError("bad_json")
    source, target = record.get(files.source_column), record.get(files.target_column)
    if not isinstance(source, str) or not isinstance(target, str):
        raise _LineError("no_text")
    try:  # JSON can spell half of a surrogate pair, which is no character
        (source + target).encode()
    except UnicodeEncodeError:
        raise _LineError("undecodable") from None
    return source, target


def raw_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file without their ends; InputError where the file cannot be read on."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if number == 1:
                    line = line.removeprefix(_BOM)
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: cannot be read after line {number} ({error}); "
            "the file is damaged or cut short: fetch it again"
        ) from error


def _moses_chunks(files: CorpusFiles, lines: int) -> Iterator[Chunk]:
    source_path, target_path = paths(files)
    sources, targets = raw_lines(source_path), raw_lines(target_path)
    first_line = 1
    while True:
        source = list(itertools.islice(sources, lines))
        target = list(itertools.islice(targets, lines))
        if len(source) != len(target):
            counts = [
                first_line - 1 + len(block) + sum(1 for _ in rest)
                for block, rest in ((source, sources), (target, targets))
            ]
            raise InputError(
                f"corpus {files.name!r}: {source_path} has {counts[0]} lines, {target_path} has "
                f"{counts[1]}; line n of one must translate line n of the other"
            )
        if not source:
            return
        yield Chunk(first_line, b"\n".join(source), b"\n".join(target), None)
        first_line += len(source)


def _header(files: CorpusFiles, line: bytes) -> list[str]:
    try:
        return line.decode().split("\t")
    except UnicodeDecodeError:
        raise InputError(f"{files.path}, line 1: the header is not valid UTF-8") from None


def _column(files: CorpusFiles, side: str, header: list[str] | None) -> int:
    column = files.source_column if side == "source" else files.target_column
    if isinstance(column, int):
        if column < 0 or (header is not None and column >= len(header)):
            known = f"0 to {len(header) - 1}" if header is not None else "0 and up"
            raise InputError(
                f"corpus {files.name!r}: {files.path}: {side}_column {column} is out of range; "
                f"the columns are {known}"
            )
        return column
    if header is None or column not in header:
        raise InputError(
            f"corpus {files.name!r}: {files.path}: no column {column!r} ({side}_column); "
            f"the header names {', '.join(header or [])}"
        )
    return header.index(column)


def _check_first_chunk(files: CorpusFiles, chunk: Chunk) -> None:
    """InputError if no line of the chunk has the columns or keys: then the settings are wrong."""
    entries = list(parse_chunk(files, chunk))
    reasons = {entry.reason for entry in entries if isinstance(entry, Unreadable)}
    if any(isinstance(entry, SentencePair) for entry in entries):
        return
    where = f"corpus {files.name!r}: {files.path}"
    lines = f"lines {chunk.first_line} to {chunk.first_line + len(entries) - 1}"
    if chunk.columns is not None and "too_few_columns" in reasons:
        widest = max(line.count(b"\t") for line in chunk.source.split(b"\n"))
        raise InputError(
            f"{where}: source_column {chunk.columns[0]} and target_column {chunk.columns[1]} are "
            f"out of range: {lines} have at most columns 0 to {widest}"
        )
    if "no_text" in reasons:
        raise InputError(
            f"{where}: no text under the keys {files.source_column!r} and "
            f"{files.target_column!r}: {lines} have the keys {', '.join(_keys(chunk))}"
        )


def _keys(chunk: Chunk) -> list[str]:
    keys: set[str] = set()
    for line in chunk.source.split(b"\n"):
        try:
            keys.update(json.loads(line))
        except (ValueError, RecursionError, TypeError):
            continue
    return sorted(keys)
