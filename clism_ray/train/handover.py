"""Going on here with a run that began in another storage, from its newest sound checkpoint.

What a run needs to draw the rest of its curve is its settings and that checkpoint; its tokenizer,
its journal, its best model and one that is not validated yet come along, so that it looks like a
run that never moved; to MLflow too, if both storages tell the same server.
"""

import shutil
from pathlib import Path

import yaml

from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.train import checkpoint, journal
from clism_ray.train.known_run import RECORD
from clism_ray.train.tracking_record import TRACKING

_COPIED = ("tokenizer", "best", "best.json", journal.JOURNAL, "validating-*")
_TRACKED = (RECORD, TRACKING)


def bring(origin: Path, run: Path, identity_hash: str, store: str | None = None) -> int:
    """Copy a run into the folder `run`, which holds no checkpoint yet; the step it stands at.

    `store` is the `tracking.uri` of the run that goes on here, if it has one.

    Raises InputError if there is nothing sound to go on from, or if it is of other settings.
    """
    step, found = _newest_sound(origin)
    if found.identity_hash != identity_hash:
        raise InputError(
            f"resume_from {str(origin)!r}: its checkpoint of step {step} is of other settings "
            f"(identity {found.identity_hash}, this run's is {identity_hash}); compare its "
            "config.yaml with this configuration, and the corpus with the one it was trained on"
        )
    patterns = _COPIED + (_TRACKED if store and _store_of(origin) == masked(store) else ())
    for path in (path for pattern in patterns for path in origin.glob(pattern)):
        _copy(path, run / path.name)
    _copy(checkpoint.folder_of(origin, step), checkpoint.folder_of(run, step))
    return step


def _store_of(origin: Path) -> str | None:
    """The `tracking.uri` in a run's configuration, without its password."""
    path = origin / "config.yaml"
    tree = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
    uri: str | None = (tree.get("tracking") or {}).get("uri")
    return uri and masked(uri)


def _newest_sound(origin: Path) -> tuple[int, checkpoint.RunState]:
    for step in checkpoint.steps_saved(origin):
        folder = checkpoint.folder_of(origin, step)
        state = checkpoint.complete(folder)
        if state and checkpoint.intact(folder, rank=0, workers=1):
            return step, state
        print(f"{folder}: unfinished or damaged; an older one is taken", flush=True)
    raise InputError(
        f"resume_from {str(origin)!r}: no whole checkpoint there; give the folder of a run, "
        "STORAGE/runs/NAME, that has taken one"
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, whole or not at all."""
    partial = target.with_name(f"{target.name}.partial.brought")
    shutil.rmtree(partial, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, partial)
        shutil.rmtree(target, ignore_errors=True)
    else:
        shutil.copyfile(source, partial)
    partial.rename(target)
