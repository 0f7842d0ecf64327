"""Tab-separated values: quotes are text, columns go by position or by the names of a header."""

from collections.abc import Iterator

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Lines, Texts, blocks
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.errors import InputError


def chunks(files: CorpusFiles, lines: int) -> Iterator[Lines]:
    """The lines of a file in chunks.

    Raises InputError for columns that the file does not have: its header is asked, or else its
    first chunk.
    """
    raw = raw_lines(files.path)
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
