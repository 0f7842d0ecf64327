"""Where a run stands, as its files tell: nothing is asked that could be busy or gone."""

import dataclasses
import json
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from clism_ray.hold import holder
from clism_ray.train import checkpoint, journal
from clism_ray.train.status import FAILED, FINISHED, RUNNING, TRAINING, WORKERS_LOST
from clism_ray.train.tracking_record import default_uri, read_tracking

NEW = "new"
INTERRUPTED = "interrupted"  # its driver died; started again, it goes on
_FRESH_SECONDS = 60.0  # a journal that grew since is being written, whoever holds the lock
_PACE = 50  # steps that the time left is reckoned from


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a run, a sweep, an evaluation or a fine-tuning stands."""

    kind: str  # run, sweep, evaluation, fine-tuning
    name: str
    folder: str
    status: str  # new, running, interrupted, stopped, stopped early, failed, finished
    driver: str | None  # the process that works on it
    problem: str | None = None  # why it failed
    step: int | None = None
    steps: int | None = None
    seconds_left: float | None = None
    train: dict[str, float] = dataclasses.field(default_factory=dict)  # of the newest step
    validation_step: int | None = None
    validation: dict[str, float] = dataclasses.field(default_factory=dict)
    reported_seconds_ago: float | None = None
    checkpoint_step: int | None = None  # of the newest complete one
    checkpoint_seconds_ago: float | None = None
    workers_lost: int = 0  # how often workers died, or raised what nobody expected
    parts: dict[str, int] = dataclasses.field(default_factory=dict)  # trials or cells by status
    running: tuple["Standing", ...] = ()  # the parts that run
    mlflow_uri: str | None = None
    mlflow_run: str | None = None  # None until MLflow has answered
    model: str | None = None  # the folder of the best or last one


def of_run(storage: Path, folder: Path, ended: str | None = None) -> Standing:
    """A pre-training run, or a trial of a sweep that `ended` so."""
    record = json.loads((folder / "run.json").read_text("utf-8"))
    entries = journal.read(folder / journal.JOURNAL)
    events = [entry.values for entry in entries if entry.kind == "event"]
    status, driver = alive(folder, ended or str(record["status"]), entries)
    saved = next(filter(lambda step: _whole(folder, step), checkpoint.steps_saved(folder)), None)
    models = [folder / name for name in ("best", "last") if (folder / name).is_dir()]
    return Standing(
        kind="run",
        name=folder.name,
        folder=str(folder),
        status=status,
        driver=driver,
        problem=events[-1].get("problem") if events and status == FAILED else None,
        checkpoint_step=saved,
        checkpoint_seconds_ago=None if saved is None else _age(folder, saved),
        workers_lost=sum(values["status"] == WORKERS_LOST for values in events),
        model=str(models[0]) if models else None,
        **mlflow_of(storage, folder, record.get("mlflow_run")),
        **_progress(entries, record.get("steps") or record["identity"]["length"]["steps"], status),
    )


def of_cell(storage: Path, folder: Path, driver: str | None = None) -> Standing:
    """A fine-tuning; a cell of an evaluation is driven by the evaluation's `driver`.

    A start begins anew, so what earlier ones told is left out. One that told nothing yet is new.
    """
    driver = driver or holder(folder)
    told, _ = journal.read_from(folder / journal.JOURNAL, 0)
    begun = [n for n, entry in enumerate(told) if entry.values.get("status") == TRAINING]
    entries = list(journal.first_of_each(told[begun[-1] if begun else 0 :]))
    steps = entries[0].values.get("steps") if begun else None
    waits = not entries or (driver and entries[-1].time < _begun_ms(folder))
    problem = folder / "problem.json"
    if (folder / "result.json").is_file():
        status = FINISHED
    elif problem.is_file():
        status = FAILED
    else:
        status = INTERRUPTED if not driver else NEW if waits else RUNNING
    model = folder / "model"
    return Standing(
        kind="fine-tuning",
        name=folder.name,
        folder=str(folder),
        status=status,
        driver=driver if status == RUNNING else None,
        problem=json.loads(problem.read_text("utf-8"))["problem"] if status == FAILED else None,
        model=str(model) if model.is_dir() else None,
        **mlflow_of(storage, folder, None),
        **_progress([] if waits else entries, steps, status),
    )


def _begun_ms(folder: Path) -> float:
    begun = folder / "begun.json"
    return begun.stat().st_mtime * 1000 if begun.is_file() else 0.0


def alive(folder: Path, status: str, entries: Sequence[journal.Entry]) -> tuple[str, str | None]:
    """The status, and who works on it: a driver that was killed could not say that it ended."""
    driver = holder(folder)
    fresh = bool(entries) and time.time() - entries[-1].time / 1000 < _FRESH_SECONDS
    return (INTERRUPTED if status == RUNNING and not driver and not fresh else status), driver


def _progress(entries: Sequence[journal.Entry], steps: int | None, status: str) -> dict[str, Any]:
    train = [entry for entry in entries if entry.kind == "train"]
    validations = [entry for entry in entries if entry.kind == "validation"]
    if not entries:
        return {"steps": steps}
    pace = [
        (after.time - before.time) / 1000 / (after.step - before.step)
        for before, after in pairwise(train[-_PACE:])
    ]
    step = train[-1].step if train else 0
    left = (steps - step) * statistics.median(pace) if steps and pace else None
    return {
        "step": step,
        "steps": steps,
        "seconds_left": left if status == RUNNING else None,
        "train": train[-1].values if train else {},
        "validation_step": validations[-1].step if validations else None,
        "validation": validations[-1].values if validations else {},
        "reported_seconds_ago": time.time() - entries[-1].time / 1000,
    }


def _whole(folder: Path, step: int) -> bool:
    return checkpoint.complete(checkpoint.folder_of(folder, step)) is not None


def _age(folder: Path, step: int) -> float:
    return time.time() - checkpoint.folder_of(folder, step).stat().st_mtime


def mlflow_of(storage: Path, folder: Path, run_id: str | None) -> dict[str, Any]:
    """Which store a folder's work is told to, and under which run there."""
    tracking = _settings(folder).get("tracking") or {}
    return {
        "mlflow_uri": tracking.get("uri") or default_uri(storage),
        "mlflow_run": read_tracking(folder).get("mlflow_run", run_id),
    }


def _settings(folder: Path) -> dict[str, Any]:
    for name in ("config.yaml", "evaluation.yaml", "best.yaml"):
        if (folder / name).is_file():
            tree: dict[str, Any] = yaml.safe_load((folder / name).read_text("utf-8"))
            return tree
    trial = next(folder.glob("runs/*/config.yaml"), None)  # of a sweep, which keeps none itself
    return _settings(trial.parent) if trial else {}
