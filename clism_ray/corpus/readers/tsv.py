"""Tab-separated values: quotes are text, columns go by position or by the names of a header."""

import itertools
from collections.abc import Iterator

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Lines, Texts, blocks
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.errors import InputError

_ROWS = 4  # between the CRs of a first line that make it several lines


def chunks(files: CorpusFiles, lines: int) -> Iterator[Lines]:
    """The lines of a file in chunks.

    Raises InputError for columns that the file does not have: its header is asked, or else its
    first chunk. So it does if lines end in CR alone, for all would be one.
    """
    raw = raw_lines(files.path)
    first = next(raw, None)
    if first is not None:
        _check_ends(files, first)
        raw = itertools.chain([first], raw)
    header = _header(files, next(raw, b"")) if files.header else None
    columns = _column(files, "source", header), _column(files, "target", header)
    first_line, started = 2 if files.header else 1, False
    for block in blocks(raw, lines, len):
        chunk = Lines(first_line, tuple(block), columns)
        if not started:
            _check(files, chunk, columns)
        yield chunk
        first_line, started = first_line + len(block), True


def texts(lines: tuple[bytes, ...], columns: tuple[int, int]) -> Iterator[Texts]:
    """The two columns of each line."""
    source, target = columns
    for line in lines:
        try:
            fields = line.decode().split("\t")
        except UnicodeDecodeError:
            yield "undecodable"
            continue
        wide = len(fields) > max(columns)
        yield (fields[source], fields[target]) if wide else "too_few_columns"


def _check_ends(files: CorpusFiles, line: bytes) -> None:
    """InputError if a first line looks like several that end in CR alone.

    A CR inside a text stays one: between several of them there must be columns each time.
    """
    columns = (files.source_column, files.target_column)
    tabs = max((1, *(column for column in columns if isinstance(column, int))))
    parts = line.split(b"\r")[:_ROWS]
    if len(parts) == _ROWS and all(part.count(b"\t") >= tabs for part in parts):
        returns, all_tabs = line.count(b"\r"), line.count(b"\t")
        raise InputError(
            f"corpus {files.name!r}: {files.path}: the first line holds {returns:,} CR and "
            f"{all_tabs:,} tabs, as if lines ended in CR alone; expected lines that end in "
            "\\n: convert them, as with tr '\\r' '\\n'"
        )


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


def _check(files: CorpusFiles, chunk: Lines, columns: tuple[int, int]) -> None:
    """InputError if no line of the chunk has the columns: then the settings are wrong."""
    found = list(texts(chunk.lines, columns))
    if "too_few_columns" in found and all(isinstance(entry, str) for entry in found):
        widest = max(line.count(b"\t") for line in chunk.lines)
        last = chunk.first_line + len(chunk.lines) - 1
        raise InputError(
            f"corpus {files.name!r}: {files.path}: source_column {columns[0]} and target_column "
            f"{columns[1]} are out of range: lines {chunk.first_line} to {last} have at most "
            f"columns 0 to {widest}"
        )
