"""What is remembered of a sweep and its trials: `<storage>/sweeps/<name>/sweep.json`.

The file is the truth: Ray Tune's callbacks, the follower and the next start all read and change
it there.
"""

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

from clism_ray.config import PretrainConfig, defaults, identity_hash
from clism_ray.config_sweep import SweepConfig
from clism_ray.train.run import check_same, with_new_keys, write_json
from clism_ray.train.space import sweep_folder, sweep_identity
from clism_ray.train.status import RUNNING

_changing = threading.Lock()  # the follower's thread and Ray Tune's


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """What is remembered of a trial."""

    values: dict[str, Any]  # of the searched keys
    status: str = RUNNING
    problem: str | None = None
    mlflow_run: str | None = None
    delivered: bool = False  # MLflow has all of it


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepRecord:
    """What is remembered of a sweep between its starts."""

    identity: dict[str, Any]
    identity_hash: str
    status: str = RUNNING  # or finished
    at_once: int = 0  # trials, as when it began
    mlflow_run: str | None = None
    delivered: bool = False  # MLflow has the outcome
    trials: dict[str, TrialRecord] = dataclasses.field(default_factory=dict)


def open_sweep(config: SweepConfig, corpus_hash: str) -> SweepRecord:
    """The record of a new sweep, not yet on disk, or of the one of this name if it is the same.

    Raises InputError, with the differences, if the name belongs to another sweep.
    """
    tree = sweep_identity(config, corpus_hash)
    folder = sweep_folder(config)
    if not (folder / "sweep.json").is_file():
        return SweepRecord(identity=tree, identity_hash=identity_hash(tree))
    record = read_sweep(folder)
    default = {**defaults(SweepConfig), "pretrain": defaults(PretrainConfig)}
    known = with_new_keys(record.identity, tree, default)
    check_same(f"the sweep {config.name!r}", folder, known, tree)
    return record


def write_sweep(folder: Path, record: SweepRecord) -> None:
    """Remember a sweep."""
    write_json(folder / "sweep.json", dataclasses.asdict(record))


def read_sweep(folder: Path) -> SweepRecord:
    """The record as it stands."""
    tree = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    trials = {name: TrialRecord(**trial) for name, trial in tree["trials"].items()}
    return SweepRecord(**{**tree, "trials": trials})


def change_sweep(folder: Path, **changes: Any) -> SweepRecord:
    """Change what is remembered of the sweep."""
    with _changing:
        record = dataclasses.replace(read_sweep(folder), **changes)
        write_sweep(folder, record)
    return record


def change_trial(folder: Path, name: str, **changes: Any) -> TrialRecord:
    """Change what is remembered of a trial; a new one needs `values`."""
    with _changing:
        record = read_sweep(folder)
        known = record.trials.get(name)
        trial = dataclasses.replace(known, **changes) if known else TrialRecord(**changes)
        record = dataclasses.replace(record, trials={**record.trials, name: trial})
        write_sweep(folder, record)
    return trial
