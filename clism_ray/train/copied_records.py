"""What a run is beside its checkpoints, copied with them: its tokenizer, its record, its curve, its
best model.

A copy of a file that changes may be older than the checkpoint beside it. Nothing is lost by that:
a checkpoint holds the metrics since the one before. The tokenizer never changes: made anew, by
another version of its library or from a name that means another one by now, it might give other
ids to the embeddings of a checkpoint.
"""

import shutil
from pathlib import Path
from typing import Any

from pyarrow import fs

from clism_ray.train import journal
from clism_ray.train.known_run import RECORD
from clism_ray.train.tracking_record import TRACKING

_FILES = (RECORD, TRACKING, journal.JOURNAL)
_TOKENIZER = "tokenizer"
_BEST = "best"
_SCORE = "best.json"
WRITTEN = frozenset((*_FILES, _TOKENIZER, _BEST, _SCORE))  # at the place of a run's copies
_HERE = fs.LocalFileSystem()


def send_tokenizer(run: Path, system: Any, inner: str) -> None:
    """Copy those files of the tokenizer that are not there, each whole or not at all."""
    for path in sorted(path for path in (run / _TOKENIZER).rglob("*") if path.is_file()):
        target = f"{inner}/{path.relative_to(run).as_posix()}"
        if system.get_file_info(target).size != path.stat().st_size:
            system.create_dir(target.rpartition("/")[0], recursive=True)
            _put(system, target, path.read_bytes())


def send_curve(run: Path, system: Any, inner: str) -> None:
    """Copy what a run has of its record, its curve and its place in MLflow to `inner`."""
    for name in _FILES:
        if (run / name).is_file():
            _put(system, f"{inner}/{name}", (run / name).read_bytes())


def send_best(run: Path, system: Any, inner: str) -> None:
    """Copy the best model if it is another than there, and last its score, by which it counts."""
    score = (run / _SCORE).read_bytes() if (run / _SCORE).is_file() else None
    if score is None or score == _read(system, f"{inner}/{_SCORE}"):
        return
    if system.get_file_info(f"{inner}/{_SCORE}").is_file:
        system.delete_file(f"{inner}/{_SCORE}")
    system.create_dir(f"{inner}/{_BEST}", recursive=True)
    # One that is replaced meanwhile goes with its old score, and the next copy mends it.
    fs.copy_files(str(run / _BEST), f"{inner}/{_BEST}", _HERE, system)
    _put(system, f"{inner}/{_SCORE}", score)


def fetch(system: Any, inner: str, run: Path) -> None:
    """Fetch those that the run does not have; and the tokenizer, which is the checkpoint's own."""
    if system.get_file_info(f"{inner}/{_TOKENIZER}").type == fs.FileType.Directory:
        _fetch_folder(system, f"{inner}/{_TOKENIZER}", run / _TOKENIZER)
    for name in _FILES:
        if not (run / name).exists():
            _fetch_file(system, f"{inner}/{name}", run / name)
    if not (run / _SCORE).exists() and _read(system, f"{inner}/{_SCORE}") is not None:
        _fetch_folder(system, f"{inner}/{_BEST}", run / _BEST)
        _fetch_file(system, f"{inner}/{_SCORE}", run / _SCORE)


def _fetch_folder(system: Any, source: str, target: Path) -> None:
    """Fetch a folder in the place of the one that is here."""
    partial = target.with_name(f"{target.name}.partial.fetched")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    fs.copy_files(source, str(partial), system, _HERE)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _fetch_file(system: Any, source: str, target: Path) -> None:
    content = _read(system, source)
    if content is not None:
        partial = target.with_name(f"{target.name}.partial.fetched")
        partial.write_bytes(content)
        partial.rename(target)


def _put(system: Any, path: str, content: bytes) -> None:
    """Write a file whole or not at all, as far as its file system can move one."""
    with system.open_output_stream(f"{path}.partial") as file:
        file.write(content)
    system.move(f"{path}.partial", path)


def _read(system: Any, path: str) -> bytes | None:
    if not system.get_file_info(path).is_file:
        return None
    with system.open_input_stream(path) as file:
        content: bytes = file.read()
    return content
