"""Checkpoints of a run: a folder a step, complete when every rank's list of files holds.

    <run>/checkpoints/step-00000500/
        zero/...         DeepSpeed's shards, each rank its own
        metrics.jsonl    what was measured since the checkpoint before, as in the journal
        rank-00000.json  what rank 0 wrote, with sizes and hashes, and the state of the run

A rank writes its list last. So a folder in which a list is missing, or does not hold, was not
finished or was damaged since, and the one before it counts. DeepSpeed's shards unpickle on load:
they are read from the run's own storage only, and only when their hashes are right.
"""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

from clism_ray.corpus.manifest import file_sha256
from clism_ray.train import journal

_METRICS = "metrics.jsonl"
_FOLDER = re.compile(r"step-(\d{8})")


@dataclasses.dataclass(frozen=True)
class RunState:
    """Where a run stands. The data state is the step alone."""

    step: int  # optimizer steps done
    workers: int
    zero_stage: int
    identity_hash: str


def folder_of(run: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps stands."""
    return run / "checkpoints" / f"step-{step:08d}"


def write_list(folder: Path, rank: int, state: RunState) -> None:
    """Record this rank's files. Called last, after its shards are on disk."""
    listed = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.rglob("*.pt"))
        if _owner(path, state.workers) == rank
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
    """What `write_metrics` kept."""
    return journal.read_from(folder / _METRICS, 0)[0]


def complete(folder: Path) -> RunState | None:
    """The state of a checkpoint whose lists are all there and whose files have their sizes."""
    first = _read_list(folder, 0)
    if first is None:
        return None
    state = RunState(**first["state"])
    lists = [_read_list(folder, rank) for rank in range(state.workers)]
    for listed in lists:
        if listed is None or listed["state"] != first["state"]:
            return None
        for name, entry in listed["files"].items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != entry["bytes"]:
                return None
    return state


def intact(folder: Path, rank: int) -> bool:
    """Whether the files of one rank's list still have the hashes they were written with."""
    listed = _read_list(folder, rank)
    return listed is not None and all(
        file_sha256(folder / name) == entry["sha256"] for name, entry in listed["files"].items()
    )


def steps_saved(run: Path) -> list[int]:
    """The steps of all checkpoint folders, complete or not, newest first."""
    parent = run / "checkpoints"
    matches = [_FOLDER.fullmatch(path.name) for path in parent.iterdir()] if parent.is_dir() else []
    return sorted((int(match[1]) for match in matches if match), reverse=True)


def keep_newest(run: Path, keep: int, after: int) -> None:
    """Delete all but the newest complete checkpoints up to step `after`, and unfinished ones."""
    kept = 0
    for step in steps_saved(run):
        folder = folder_of(run, step)
        if step <= after and kept < keep and complete(folder):
            kept += 1
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _owner(path: Path, workers: int) -> int:
    """The rank that writes a file of DeepSpeed's; one without a rank in its name is rank 0's."""
    match = re.search(r"zero_pp_rank_(\d+)_", path.name)
    return int(match[1]) % workers if match else 0


def _list_path(folder: Path, rank: int) -> Path:
    return folder / f"rank-{rank:05d}.json"


def _read_list(folder: Path, rank: int) -> dict[str, Any] | None:
    try:
        listed: dict[str, Any] = json.loads(_list_path(folder, rank).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return listed
