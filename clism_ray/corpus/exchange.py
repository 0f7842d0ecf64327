"""Rows that tasks hand to each other: Arrow files in one folder, each of them in numbered parts.

A task writes a file with a part for every task to come; that one gathers its part of all files.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa


def write_parts(path: Path, parts: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
    """Store an Arrow file whose record batch n is part n; complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(unfinished), "wb") as file:
        with pa.ipc.new_file(file, schema, options=options) as writer:
            for part in parts:
                writer.write_batch(part)
    unfinished.rename(path)


def read_part(folder: Path, part: int, schema: pa.Schema) -> pa.Table:
    """One part, gathered from all files of a folder, in no particular order."""
    batches = []
    for path in folder.glob("*.arrow") if folder.is_dir() else ():
        with pa.memory_map(str(path)) as file:
            batches.append(pa.ipc.open_file(file).get_batch(part))
    return pa.Table.from_batches(batches, schema=schema)
