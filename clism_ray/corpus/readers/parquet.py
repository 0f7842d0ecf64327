"""Parquet: a pair to a row, its line the number of the row."""

from collections.abc import Iterator

import pyarrow.parquet as pq

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Pairs, Reason, in_chunks
from clism_ray.corpus.readers.columns import BATCH_ROWS, columns_of, pairs_of
from clism_ray.corpus.readers.lines import DAMAGE, damaged
from clism_ray.corpus.storage import system_of
from clism_ray.errors import InputError

_BUFFER = 1 << 20  # bytes of a column that are read at once, instead of a whole row group


def chunks(files: CorpusFiles, lines: int) -> Iterator[Pairs]:
    """The rows of a file in chunks.

    Raises InputError for what is no Parquet file or a damaged one, and for columns that it does
    not have or that hold no text.
    """
    return in_chunks(_pairs(files), lines)


def _pairs(files: CorpusFiles) -> Iterator[tuple[bytes, bytes] | Reason]:
    row = 0
    system, path = system_of(files.path)
    try:
        with system.open_input_file(path) as stored:
            file = pq.ParquetFile(stored, buffer_size=_BUFFER, pre_buffer=False)
            columns = columns_of(files, file.schema_arrow)
            wanted = [".".join(column) for column in columns]
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
                for pair in pairs_of(batch, columns):
                    yield pair
                    row += 1
    except InputError:
        raise
    except (*DAMAGE, ValueError) as error:  # also UnicodeDecodeError, of a column's name
        raise damaged(files.path, f"row {row}", error) from error
