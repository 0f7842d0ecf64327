"""Datasets of the Hugging Face hub, or folders of the same form, read as a stream.

A folder that `save_to_disk` wrote is mapped into memory; any other is read as `load_dataset`
reads it. The line of a pair is the number of its row in the split.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
from huggingface_hub import HfApi

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Pairs, Reason, in_chunks
from clism_ray.corpus.readers.columns import BATCH_ROWS, columns_of, pairs_of
from clism_ray.corpus.readers.lines import device_failed
from clism_ray.corpus.storage import folder_content, from_root
from clism_ray.errors import InputError, Unavailable

SPLIT = "train"  # where none is named
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT = 30  # seconds


def pinned(files: CorpusFiles) -> CorpusFiles:
    """The same dataset at the hub's present commit, so that all tasks read the same rows.

    A revision that is a commit stays, and the hub is not asked. Raises InputError if it is neither
    a folder nor on the hub, or the hub cannot be reached.
    """
    where = f"corpus {files.name!r}: {files.path}"
    if Path(from_root(files.path)).is_dir():
        if files.revision is not None:
            raise InputError(f"{where}: revision is for names on the hub; this is a folder")
        return dataclasses.replace(files, path=from_root(files.path))
    if not _HUB_NAME.fullmatch(files.path):
        raise InputError(f"{where}: no such folder, and no name of a dataset on the hub")
    if files.revision is not None and _COMMIT.fullmatch(files.revision):
        return files
    try:
        commit = HfApi().dataset_info(files.path, revision=files.revision, timeout=_TIMEOUT).sha
    except Exception as error:  # of several libraries: no connection, no such name, no access
        raise InputError(
            f"{where}: no such folder, and the hub cannot give it ({_said(error)}); "
            "check the name and the connection, or download the dataset and give its folder"
        ) from error
    return dataclasses.replace(files, revision=commit)


def content(files: CorpusFiles) -> tuple[int, str]:
    """Bytes and hash of a pinned dataset; of one on the hub, 0 and its commit."""
    if files.revision is not None:
        return 0, files.revision
    return folder_content(Path(files.path))


def chunks(files: CorpusFiles, lines: int) -> Iterator[Pairs]:
    """The rows of a split in chunks.

    Raises InputError for a dataset, subset, split or columns that are not there, and for rows
    that cannot be read.
    """
    return in_chunks(_pairs(files), lines)


def _pairs(files: CorpusFiles) -> Iterator[tuple[bytes, bytes] | Reason]:
    row = 0
    try:
        for rows in _dataset(files).with_format("arrow").iter(batch_size=BATCH_ROWS):
            for pair in pairs_of(rows, columns_of(files, rows.schema)):
                yield pair
                row += 1
    except InputError:
        raise
    except Exception as error:  # the library raises what its many formats raise
        may_do_later = files.revision is not None or device_failed(error)
        raise (Unavailable if may_do_later else InputError)(
            f"corpus {files.name!r}: {files.path}: cannot be read after row {row} ({_said(error)})"
        ) from error


def _dataset(files: CorpusFiles) -> Any:
    where = f"corpus {files.name!r}: {files.path}"
    folder = Path(files.path)
    datasets.disable_progress_bars()
    if not any((folder / name).is_file() for name in ("state.json", "dataset_dict.json")):
        return datasets.load_dataset(
            files.path,
            files.subset,
            split=files.split or SPLIT,
            revision=files.revision,
            streaming=True,
        )
    if files.subset is not None:
        raise InputError(f"{where}: save_to_disk wrote this folder; it has no subsets")
    saved = datasets.load_from_disk(files.path)
    if not isinstance(saved, datasets.DatasetDict):
        if files.split is not None:
            raise InputError(f"{where}: this folder holds a single split; leave split out")
        return saved
    if (files.split or SPLIT) not in saved:
        raise InputError(f"{where}: no split {files.split or SPLIT!r}; it has {', '.join(saved)}")
    return saved[files.split or SPLIT]


def _said(error: BaseException) -> str:
    """What an error of the library says, in one line of bearable length."""
    return " ".join((str(error) or type(error).__name__).split())[:300]
