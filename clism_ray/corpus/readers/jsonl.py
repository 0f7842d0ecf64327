"""JSON lines: an object to a line, with the two texts under its keys."""

import json
from collections.abc import Iterator

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Lines, Texts, blocks
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.errors import InputError

_KEYS_SHOWN = 20


def chunks(files: CorpusFiles, lines: int) -> Iterator[Lines]:
    """The lines of a file in chunks; InputError for keys that its first chunk does not have."""
    first_line = 1
    for block in blocks(raw_lines(files.path), lines, len):
        chunk = Lines(first_line, tuple(block), None)
        if first_line == 1:
            _check(files, chunk)
        yield chunk
        first_line += len(block)


def texts(lines: tuple[bytes, ...], source_key: str, target_key: str) -> Iterator[Texts]:
    """The texts under the two keys of each line."""
    for line in lines:
        yield _texts(line, source_key, target_key)


def _texts(line: bytes, source_key: str, target_key: str) -> Texts:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        return "undecodable"
    except (ValueError, RecursionError):
        return "bad_json"
    if not isinstance(record, dict):
        return "bad_json"
    source, target = record.get(source_key), record.get(target_key)
    if not isinstance(source, str) or not isinstance(target, str):
        return "no_text"
    try:  # JSON can spell half of a surrogate pair, which is no character
        (source + target).encode()
    except UnicodeEncodeError:
        return "undecodable"
    return source, target


def _check(files: CorpusFiles, chunk: Lines) -> None:
    """InputError if no line of the chunk has the keys: then the settings are wrong."""
    found = list(texts(chunk.lines, str(files.source_column), str(files.target_column)))
    if "no_text" in found and all(isinstance(entry, str) for entry in found):
        raise InputError(
            f"corpus {files.name!r}: {files.path}: no text under the keys "
            f"{files.source_column!r} and {files.target_column!r}: lines 1 to "
            f"{len(chunk.lines)} have the keys {', '.join(_keys(chunk))}"
        )


def _keys(chunk: Lines) -> list[str]:
    keys: set[str] = set()
    for line in chunk.lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        keys.update(record if isinstance(record, dict) else ())
    return sorted(keys)[:_KEYS_SHOWN]
