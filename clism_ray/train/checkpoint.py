"""Checkpoints of a run: a folder a step, complete when every rank's list of files holds.

    <run>/checkpoints/step-00000500/
        state-00000-000.safetensors  what rank 0 wrote of the parameters (see `parameters`)
        metrics.jsonl                what was measured since the checkpoint before
        rank-00000.json              rank 0's files, with sizes and hashes, and the run's state

The metrics are rank 0's, and on its list. A rank writes its list last. So a folder in which a list
is missing, or does not hold, was not finished or was damaged since, and the one before it counts.
Any number of workers, of any ZeRO stage, goes on from what others wrote.
"""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from clism_ray.corpus.manifest import file_sha256
from clism_ray.errors import InputError, Unavailable
from clism_ray.train import journal

ReadT = TypeVar("ReadT")

_METRICS = "metrics.jsonl"
_FOLDER = re.compile(r"step-(\d{8})")


@dataclasses.dataclass(frozen=True)
class RunState:
    """Where a run stands. The data state is the step alone."""

    step: int  # optimizer steps done
    workers: int  # that wrote the checkpoint
    identity_hash: str


def folder_of(run: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps stands."""
    return run / "checkpoints" / f"step-{step:08d}"


def write_list(folder: Path, rank: int, state: RunState) -> None:
    """Record this rank's files. Called last, when they are on disk."""
    paths = sorted(folder.glob(f"state-{rank:05d}-*.safetensors"))
    if rank == 0:
        paths += folder.glob(_METRICS)
    listed = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in paths
    }
    text = json.dumps({"state": dataclasses.asdict(state), "files": listed}, indent=1)
    temporary = folder / f"rank-{rank:05d}.tmp"
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(_list_path(folder, rank))


def write_metrics(folder: Path, entries: list[journal.Entry]) -> None:
    """Keep the entries that a resumed run may have to report once more."""
    (folder / _METRICS).unlink(missing_ok=True)
    journal.append(folder / _METRICS, entries)


def metrics_in(folder: Path) -> list[journal.Entry]:
    """What `write_metrics` kept. Raises Unavailable if it cannot be read."""
    return _there(folder / _METRICS, lambda path: journal.read_from(path, 0)[0]) or []


def complete(folder: Path) -> RunState | None:
    """The state of a checkpoint whose lists are all there and whose files have their sizes.

    Raises InputError if another version of clism_ray wrote it: it is not damaged, but cannot be
    read, and a run that passed over it would begin anew. For the same reason Unavailable if its
    storage does not let it be read.
    """
    first = _read_list(folder, 0)
    if first is None:
        return None
    if set(first["state"]) != {field.name for field in dataclasses.fields(RunState)}:
        raise InputError(
            f"{folder}: a checkpoint of another version of clism_ray; go on with the one that "
            "wrote it, or move checkpoints/ away, and the run begins anew"
        )
    state = RunState(**first["state"])
    lists = [_read_list(folder, rank) for rank in range(state.workers)]
    for listed in lists:
        if listed is None or listed["state"] != first["state"]:
            return None
        for name, entry in listed["files"].items():
            if _there(folder / name, _size) != entry["bytes"]:
                return None
    return state


def intact(folder: Path, rank: int, workers: int) -> bool:
    """Whether a rank's share of a complete checkpoint still has the hashes it was written with.

    Its share of the lists: those who wrote it may have been more, or fewer. Raises as `complete`.
    """
    state = complete(folder)
    lists = (
        [_read_list(folder, writer) for writer in range(rank, state.workers, workers)]
        if state
        else [None]
    )
    return all(
        listed is not None
        and all(
            _there(folder / name, file_sha256) == entry["sha256"]
            for name, entry in listed["files"].items()
        )
        for listed in lists
    )


def state_files(folder: Path) -> list[Path]:
    """The parameters that all ranks of a complete checkpoint wrote.

    Others may have begun it and left files.
    """
    state = complete(folder)
    lists = [_read_list(folder, rank) for rank in range(state.workers)] if state else []
    names = [name for listed in lists if listed for name in listed["files"]]
    return [folder / name for name in names if name != _METRICS]


def steps_saved(run: Path) -> list[int]:
    """The steps of all checkpoint folders, complete or not, newest first.

    Raises Unavailable if they cannot be listed.
    """
    names = _there(run / "checkpoints", os.listdir) or []
    matches = [_FOLDER.fullmatch(name) for name in names]
    return sorted((int(match[1]) for match in matches if match), reverse=True)


def keep_newest(run: Path, keep: int, after: int) -> None:
    """Delete all but the newest complete checkpoints up to step `after`, and unfinished ones.

    One that cannot be read is left, and not counted.
    """
    kept = 0
    for step in steps_saved(run):
        folder = folder_of(run, step)
        try:
            kept_too = step <= after and kept < keep and complete(folder) is not None
        except InputError:
            continue
        if kept_too:
            kept += 1
        else:
            shutil.rmtree(folder, ignore_errors=True)


def set_aside(run: Path) -> Path | None:
    """Move the checkpoints of a run away, as none of them holds and it begins anew; where to.

    None if there are none of which any rank has written all of its part: they were not finished.
    """
    if not any(any(folder_of(run, step).glob("rank-*.json")) for step in steps_saved(run)):
        return None
    places = (run / f"checkpoints.set-aside-{number}" for number in count(1))
    return (run / "checkpoints").rename(next(path for path in places if not path.exists()))


def list_name(rank: int) -> str:
    """The name of a rank's list."""
    return f"rank-{rank:05d}.json"


def files_of_rank(folder: Path, rank: int) -> list[str]:
    """The names of what a rank has written, its list last."""
    listed = _read_list(folder, rank) or {"files": {}}
    return [*listed["files"], list_name(rank)]


def _list_path(folder: Path, rank: int) -> Path:
    return folder / list_name(rank)


def _read_list(folder: Path, rank: int) -> dict[str, Any] | None:
    text = _there(_list_path(folder, rank), Path.read_bytes)
    try:
        listed: Any = json.loads(text or b"")
    except ValueError:
        return None
    return listed if _is_list(listed) else None


def _is_list(listed: Any) -> bool:
    """Whether JSON is what `write_list` writes: damage may leave what is not."""
    return (
        isinstance(listed, dict)
        and all(isinstance(listed.get(key), dict) for key in ("state", "files"))
        and all(
            isinstance(entry, dict) and entry.keys() == {"bytes", "sha256"}
            for entry in listed["files"].values()
        )
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def _there(path: Path, read: Callable[[Path], ReadT]) -> ReadT | None:
    """What is read of a path; None if nothing is there.

    Raises Unavailable where its storage fails: what is there may be sound.
    """
    try:
        return read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unavailable(
            f"{path}: cannot be read ({error.strerror or error}), but may be sound; start again "
            "when its storage answers, or move that checkpoint away to go on without it"
        ) from error
