"""What a run is beside its checkpoints, copied with them: its record, its curve, its best model.

A copy of a file that changes may be older than the checkpoint beside it. Nothing is lost by that:
a checkpoint holds the metrics since the one before.
"""

import shutil
from pathlib import Path
from typing import Any

from pyarrow import fs

from clism_ray.train import journal
from clism_ray.train.known_run import RECORD
from clism_ray.train.tracking_record import TRACKING

_FILES = (RECORD, TRACKING, journal.JOURNAL)
_BEST = "best"
_SCORE = "best.json"
_HERE = fs.LocalFileSystem()


def send(run: Path, system: Any, inner: str) -> None:
    """Copy what a run has of them to `inner`; the best model if it is another than there."""
    for name in _FILES:
        if (run / name).is_file():
            fs.copy_files(str(run / name), f"{inner}/{name}", _HERE, system)
    score = (run / _SCORE).read_bytes() if (run / _SCORE).is_file() else None
    if score is None or score == _read(system, f"{inner}/{_SCORE}"):
        return
    # Last the score as it was at first: of a model that is replaced meanwhile it is another one,
    # and the next copy mends it.
    system.create_dir(f"{inner}/{_BEST}", recursive=True)
    fs.copy_files(str(run / _BEST), f"{inner}/{_BEST}", _HERE, system)
    with system.open_output_stream(f"{inner}/{_SCORE}") as file:
        file.write(score)


def fetch(system: Any, inner: str, run: Path) -> None:
    """Fetch those that the run does not have."""
    for name in _FILES:
        if not (run / name).exists():
            _fetch_file(system, f"{inner}/{name}", run / name)
    if not (run / _SCORE).exists() and _read(system, f"{inner}/{_SCORE}") is not None:
        partial = run / f"{_BEST}.partial.fetched"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        fs.copy_files(f"{inner}/{_BEST}", str(partial), system, _HERE)
        shutil.rmtree(run / _BEST, ignore_errors=True)
        partial.rename(run / _BEST)
        _fetch_file(system, f"{inner}/{_SCORE}", run / _SCORE)


def _fetch_file(system: Any, source: str, target: Path) -> None:
    content = _read(system, source)
    if content is not None:
        partial = target.with_name(f"{target.name}.partial.fetched")
        partial.write_bytes(content)
        partial.rename(target)


def _read(system: Any, path: str) -> bytes | None:
    if not system.get_file_info(path).is_file:
        return None
    with system.open_input_stream(path) as file:
        content: bytes = file.read()
    return content
