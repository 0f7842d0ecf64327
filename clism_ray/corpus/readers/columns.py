"""Two columns of text in an Arrow schema: top columns, or fields of a struct."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Reason
from clism_ray.errors import InputError

BATCH_ROWS = 1000
TRANSLATION = "translation"  # the column of OPUS-100 and its like: a field for each language
_TEXT = (
    *(types.is_string, types.is_large_string, types.is_string_view),
    *(types.is_binary, types.is_large_binary, types.is_binary_view),
)


def columns_of(files: CorpusFiles, schema: pa.Schema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where the two texts stand: a name, or that of a struct and that of its field.

    `a.b` names a column, or else the field b of a. Without names, it is the column `translation`
    with a field for each language. Raises InputError if the schema has no such text.
    """
    return _column(files, schema, "source"), _column(files, schema, "target")


def pairs_of(
    rows: pa.RecordBatch | pa.Table, columns: Sequence[tuple[str, ...]]
) -> Iterator[tuple[bytes, bytes] | Reason]:
    """The two texts of each row as bytes, since Arrow does not check what is in its strings."""
    source, target = (_bytes(rows, column) for column in columns)
    for one, other in zip(source, target, strict=True):
        yield "no_text" if one is None or other is None else (one, other)


def _column(files: CorpusFiles, schema: pa.Schema, side: str) -> tuple[str, ...]:
    given = files.source_column if side == "source" else files.target_column
    language = files.source_language if side == "source" else files.target_language
    name = given if isinstance(given, str) else f"{TRANSLATION}.{language}"
    struct, _, field = name.partition(".")
    column: tuple[str, ...] = (name,) if name in schema.names else (struct, field)
    kind = _type(schema, column)
    known = ", ".join(f"{field.name}: {field.type}" for field in schema)
    if kind is None:
        raise InputError(
            f"corpus {files.name!r}: {files.path}: no column {name!r}; the columns are {known}; "
            f"name one as {side}_column, or a struct's field as in {side}_column: a.b"
        )
    if not any(is_text(kind) for is_text in _TEXT):
        raise InputError(
            f"corpus {files.name!r}: {files.path}: column {name!r} ({side}_column) holds {kind}, "
            f"no text; the columns are {known}"
        )
    return column


def _type(schema: pa.Schema, column: tuple[str, ...]) -> Any:
    if schema.names.count(column[0]) != 1:
        return None
    kind = schema.field(column[0]).type
    for name in column[1:]:
        if not types.is_struct(kind) or kind.get_field_index(name) < 0:
            return None
        kind = kind.field(name).type
    return kind.value_type if types.is_dictionary(kind) else kind


def _bytes(rows: pa.RecordBatch | pa.Table, column: tuple[str, ...]) -> list[bytes | None]:
    texts = rows.column(column[0])
    if len(column) > 1:
        texts = pc.struct_field(texts, column[1])
    if types.is_dictionary(texts.type):
        texts = pc.cast(texts, texts.type.value_type)
    found: list[bytes | None] = pc.cast(texts, pa.large_binary()).to_pylist()
    return found
