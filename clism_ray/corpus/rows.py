"""Rows of a prepared corpus, by window, and the labels of their spans."""

import time
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clism_ray.corpus.manifest import Window
from clism_ray.corpus.storage import Location, below, system_of
from clism_ray.errors import InputError
from clism_ray.records import AlignedPair, from_row

_PAUSES = (1.0, 5.0, 25.0)  # seconds; beside the tries of the storage's own library


def read_rows(corpus: Location, window: Window, rows: Sequence[int]) -> list[AlignedPair]:
    """Some rows of a window, in the order asked for.

    The last few windows stay decoded in this process: neighbouring micro-batches share them.

    Raises InputError for a row that no preparation would write.
    """
    table = _table(str(corpus), window.path, window.group)
    pairs = [from_row(row) for row in table.take(pa.array(rows)).to_pylist()]
    for pair in pairs:
        if wrong := _wrong(pair):
            raise InputError(
                f"{below(corpus, window.path)}: row {pair.row_id}, which came from line "
                f"{pair.origin.line} of {pair.origin.file}: {wrong}; prepare the corpus again"
            )
    return pairs


def check_labels(corpus: Location, windows: Iterable[Window], wanted: Collection[str]) -> None:
    """Raise InputError for a label that no span of the windows has.

    Reads on until it has met all of them: as a rule one window.
    """
    met: set[str] = set()
    for window in windows:
        if met.issuperset(wanted):
            return
        spans = _table(str(corpus), window.path, window.group)["spans"]
        met.update(pc.unique(pc.struct_field(pc.list_flatten(spans), "label")).to_pylist())
    if lacking := sorted(set(wanted) - met):
        raise InputError(
            f"masking.labels: no span of {corpus} is a {lacking[0]!r}; "
            f"its labels are {', '.join(sorted(met))}"
        )


def _wrong(pair: AlignedPair) -> str | None:
    """What no preparation would write of a pair; None as a rule."""
    if not pair.source or not pair.target:
        return "a side has no text"
    for span in pair.spans:
        source, target = (span.source_start, span.source_end), (span.target_start, span.target_end)
        for (start, end), text in ((source, pair.source), (target, pair.target)):
            if not 0 <= start < end <= len(text):
                return f"a span from {start} to {end} of a text of {len(text)} characters"
    return None


@lru_cache(maxsize=8)
def _table(corpus: str, path: str, group: int) -> pa.Table:
    try:
        return _read(corpus, path, group)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{below(corpus, path)}: row group {group} cannot be read ({error}); restore the "
            "shard, prepare the corpus again, or wait until its storage answers: the same command "
            "then goes on where the run was"
        ) from error


def _read(corpus: str, path: str, group: int) -> pa.Table:
    """A row group; a store that fails is asked again after some seconds."""
    for pause in _PAUSES:
        try:
            return _row_group(corpus, path, group)
        except OSError as error:
            if "://" not in corpus or isinstance(error, FileNotFoundError):
                raise
            time.sleep(pause)
    return _row_group(corpus, path, group)


def _row_group(corpus: str, path: str, group: int) -> pa.Table:
    system, inner = _connected(corpus)
    with system.open_input_file(f"{inner}/{path}") as file:
        return pq.ParquetFile(file, pre_buffer=True).read_row_group(group)


@lru_cache(maxsize=8)
def _connected(corpus: str) -> tuple[Any, str]:
    """A corpus's file system, for the rows of all windows: a store's would connect for each."""
    return system_of(corpus)
