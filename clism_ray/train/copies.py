"""Copies of checkpoints where they outlive the run's storage: any place that pyarrow reaches.

<checkpoint.copy_to>/<name>/
    step-00000500/...    the files of `checkpoint`
    run.json, ...        see `copied_records`

A rank copies its list last. What was not copied whole, or was damaged since, does not count.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from pyarrow import fs

from clism_ray.corpus.storage import below, located, sizes, system_of
from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.train import checkpoint, copied_records

_STEP = re.compile(r"step-(\d{8})")


def place_of(copy_to: str, name: str) -> str:
    """Where the copies of a run lie; a URI's query stays its end."""
    return below(located(copy_to), name)


def copy(folder: Path, rank: int, place: str, keep: int) -> str | None:
    """Copy what a rank wrote of a checkpoint; what went wrong in a sentence, or None.

    The first rank deletes all but the newest, of those that are whole as many as are kept.
    """
    try:
        system, inner = system_of(place)
        system.create_dir(f"{inner}/{folder.name}", recursive=True)
        if rank == 0:
            copied_records.send_tokenizer(folder.parent.parent, system, inner)
            copied_records.send_curve(folder.parent.parent, system, inner)
        for name in checkpoint.files_of_rank(folder, rank):
            target = f"{inner}/{folder.name}/{name}"
            fs.copy_files(str(folder / name), target, fs.LocalFileSystem(), system)
        if rank == 0:
            copied_records.send_best(folder.parent.parent, system, inner)
            _keep_newest(system, inner, keep)
    except Exception as error:  # a store's library may raise its own
        return f"{folder.name} was not copied to {masked(place)}: {masked(str(error))}"
    return None


def fetch_newest(place: str, run: Path, identity_hash: str) -> int | None:
    """Fetch the newest sound copy, unless the run has a sound checkpoint as new; its step.

    With it come its tokenizer, and what the run lacks beside its checkpoints.

    Raises InputError if the place cannot be reached, or if the copy is of other settings.
    """
    system, inner = system_of(place)
    try:
        steps = _steps(system, inner)
        newest = _newest_sound(run) if steps else 0  # reads whole checkpoints
        for step in steps:
            if step <= newest:
                return None
            folder = f"{inner}/{_local(run, step).name}"
            if not _all_lists(system, folder):
                print(f"{masked(place)}: step {step} was not copied whole; an older one is taken")
            elif _fetch(system, folder, _local(run, step), identity_hash):
                return step
            else:
                print(f"{masked(place)}: step {step} is damaged; an older one is taken")
    except InputError:
        raise
    except Exception as error:  # a store's library may raise its own
        raise InputError(
            f"checkpoint.copy_to: {masked(place)} cannot be read: {masked(str(error))}; "
            "start again when it can, or leave checkpoint.copy_to out to begin without it"
        ) from error
    return None


def remove(place: str) -> None:
    """Remove what `copy` wrote of a run, and its folder if it held nothing else.

    Raises InputError if the place does not let it.
    """
    system, inner = system_of(place)
    try:
        for entry in _written(system, inner):
            system.delete_file(entry.path) if entry.is_file else system.delete_dir(entry.path)
        folder = system.get_file_info(inner).type == fs.FileType.Directory
        if folder and not system.get_file_info(fs.FileSelector(inner)):
            system.delete_dir(inner)
    except Exception as error:  # a store's library may raise its own
        raise InputError(
            f"checkpoint.copy_to: copies in {masked(place)} cannot be removed: "
            f"{masked(str(error))}; the run stays, remove it when they can be"
        ) from error


def any_at(place: str) -> bool:
    """Whether a run has copies, or parts of some; InputError if the place cannot be reached."""
    return any(_is_own(path.partition("/")[0]) for path in sizes(place))


def _newest_sound(run: Path) -> int:
    """The step of the run's newest checkpoint with the hashes it was written with; 0 if none."""
    steps = checkpoint.steps_saved(run)
    return next((s for s in steps if checkpoint.intact(_local(run, s), rank=0, workers=1)), 0)


def _fetch(system: Any, folder: str, target: Path, identity_hash: str) -> bool:
    """Whether a copy is sound; it is then in its place in the run."""
    partial = target.with_name(f"{target.name}.partial.fetched")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    fs.copy_files(folder, str(partial), system, fs.LocalFileSystem())
    state = checkpoint.complete(partial)
    sound = state is not None and checkpoint.intact(partial, rank=0, workers=1)
    if state and sound and state.identity_hash != identity_hash:
        shutil.rmtree(partial)
        raise InputError(
            f"checkpoint.copy_to: the copy of step {state.step} there is of other settings "
            f"(identity {state.identity_hash}, this run's is {identity_hash}); give this run "
            "another name=..., or another checkpoint.copy_to"
        )
    if sound:
        # The checkpoint comes last: once it is there, nothing is fetched any more.
        copied_records.fetch(system, folder.rpartition("/")[0], target.parent.parent)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    else:
        shutil.rmtree(partial)
    return sound


def _steps(system: Any, inner: str) -> list[int]:
    """The steps of all copies, whole or not, newest first."""
    entries = system.get_file_info(fs.FileSelector(inner, allow_not_found=True))
    found = (_STEP.fullmatch(entry.base_name) for entry in entries)
    return sorted((int(match[1]) for match in found if match), reverse=True)


def _written(system: Any, inner: str) -> list[Any]:
    """What `copy` wrote, whole or not."""
    entries = system.get_file_info(fs.FileSelector(inner, allow_not_found=True))
    return [entry for entry in entries if _is_own(entry.base_name)]


def _is_own(name: str) -> bool:
    name = name.removesuffix(".partial")
    return name in copied_records.WRITTEN or _STEP.fullmatch(name) is not None


def _all_lists(system: Any, folder: str) -> bool:
    """Whether every rank's list is there."""
    names = {entry.base_name for entry in system.get_file_info(fs.FileSelector(folder))}
    first = checkpoint.list_name(0)
    if first not in names:
        return False
    try:
        with system.open_input_stream(f"{folder}/{first}") as file:
            workers = json.loads(file.read())["state"]["workers"]
    except (ValueError, KeyError):
        return False
    return names >= {checkpoint.list_name(rank) for rank in range(workers)}


def _keep_newest(system: Any, inner: str, keep: int) -> None:
    whole = 0
    for step in _steps(system, inner):
        folder = f"{inner}/step-{step:08d}"
        if whole == keep:
            system.delete_dir(folder)
        elif _all_lists(system, folder):
            whole += 1


def _local(run: Path, step: int) -> Path:
    return checkpoint.folder_of(run, step)
