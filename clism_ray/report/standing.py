"""Where a run stands, as its files tell: nothing is asked that could be busy or gone."""

import dataclasses
import difflib
import json
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from clism_ray.config_file import load
from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import InputError
from clism_ray.hold import holder
from clism_ray.train import checkpoint, journal
from clism_ray.train.status import FAILED, FINISHED, RUNNING, WORKERS_LOST
from clism_ray.train.tracking_record import default_uri, read_tracking

NEW = "new"
INTERRUPTED = "interrupted"  # its driver died; started again, it goes on
_FRESH_SECONDS = 60.0  # a journal that grew since is being written, whoever holds the lock
_PACE = 50  # steps that the time left is reckoned from
_RECORDS = {"runs": "run.json", "sweeps": "sweep.json", "evaluations": "evaluation.yaml"}
_RECORDS["finetuned"] = "config.yaml"
_DAMAGE = (OSError, UnicodeError, json.JSONDecodeError, yaml.YAMLError)
_OF_ANOTHER_FORM = (KeyError, TypeError, AttributeError)


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


def find(storage: Path, name: str) -> list[Standing]:
    """Everything of this name under a storage; trials of sweeps have names too.

    Raises InputError, with the closest names, if there is nothing; and for damaged records.
    """
    known = list(_all(storage))
    found = [(folder, read) for folder, read in known if folder.name == name]
    if not found:
        names = dict.fromkeys(folder.name for folder, _ in known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.0)
        hint = f"closest: {', '.join(close)}" if close else "there is no run at all"
        raise InputError(f"{storage}: nothing is called {name!r}; {hint}")
    try:
        return [read(storage, folder) for folder, read in found]
    except (*_DAMAGE, *_OF_ANOTHER_FORM) as error:
        where = ", ".join(str(folder) for folder, _ in found)
        raise InputError(f"{where}: a record there is damaged ({error!r}); restore it") from error


def _all(storage: Path) -> Iterator[tuple[Path, Callable[[Path, Path], Standing]]]:
    readers = {"runs": of_run, "sweeps": of_sweep}
    readers |= {"evaluations": of_evaluation, "finetuned": of_cell}
    for place, read in readers.items():
        for record in sorted((storage / place).glob(f"*/{_RECORDS[place]}")):
            yield record.parent, read
    for record in sorted((storage / "sweeps").glob("*/runs/*/run.json")):
        yield record.parent, of_trial


def of_trial(storage: Path, folder: Path) -> Standing:
    """A trial of a sweep, which knows how it ended: one that is cut short cannot say so itself."""
    sweep = json.loads((folder.parents[1] / "sweep.json").read_text("utf-8"))
    told = sweep["trials"].get(folder.name, {"status": RUNNING})
    found = of_run(storage, folder, None if told["status"] == RUNNING else told["status"])
    return dataclasses.replace(found, problem=told.get("problem") or found.problem)


def of_run(storage: Path, folder: Path, ended: str | None = None) -> Standing:
    """A pre-training run, or a trial of a sweep that `ended` so."""
    record = json.loads((folder / "run.json").read_text("utf-8"))
    entries = journal.read(folder / journal.JOURNAL)
    events = [entry.values for entry in entries if entry.kind == "event"]
    status, driver = _alive(folder, ended or str(record["status"]), entries)
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
        **_mlflow(storage, folder, record.get("mlflow_run")),
        **_progress(entries, record.get("steps") or record["identity"]["length"]["steps"], status),
    )


def of_sweep(storage: Path, folder: Path) -> Standing:
    """A sweep, and those of its trials that run."""
    record = json.loads((folder / "sweep.json").read_text("utf-8"))
    tree, trials = record["identity"], record["trials"]
    wanted = tree["trials"] or math.prod(len(e["choice"] or ()) for e in tree["space"].values())
    status, driver = _alive(folder, str(record["status"]), ())
    names = [name for name, trial in trials.items() if trial["status"] == RUNNING]
    running = [folder / "runs" / name for name in names if status == RUNNING]
    begun = [of_run(storage, path) for path in running if (path / "run.json").is_file()]
    lost = Counter({RUNNING: sum(trial.status == INTERRUPTED for trial in begun)})  # drawn anew
    parts = Counter(str(trial["status"]) for trial in trials.values()) - lost
    return Standing(
        kind="sweep",
        name=folder.name,
        folder=str(folder),
        status=status,
        driver=driver,
        parts={**parts, "to come": max(0, wanted - parts.total())},
        running=tuple(trial for trial in begun if trial.status != INTERRUPTED),
        model=str(folder / "best.yaml") if (folder / "best.yaml").is_file() else None,
        **_mlflow(storage, folder, record["mlflow_run"]),
    )


def of_evaluation(storage: Path, folder: Path) -> Standing:
    """An evaluation, and those of its cells that run."""
    config = load(EvaluateConfig, folder / "evaluation.yaml")
    forms = sum(len(entry.forms) for entry in config.models.values())
    wanted = forms * len(config.sizes) * len(config.samples)
    driver = holder(folder)
    begun = sorted(path.parent for path in folder.glob("cells/*/config.yaml"))
    cells = [of_cell(storage, path, driver) for path in begun]
    parts = Counter(cell.status for cell in cells)
    parts["to come"] = max(0, wanted - len(cells)) + parts.pop(NEW, 0)
    whole = FINISHED if parts[FINISHED] >= wanted else FAILED if parts[FAILED] else INTERRUPTED
    return Standing(
        kind="evaluation",
        name=folder.name,
        folder=str(folder),
        status=RUNNING if driver else whole,
        driver=driver,
        problem=next((cell.problem for cell in cells if cell.problem and not driver), None),
        parts=dict(parts),
        running=tuple(cell for cell in cells if cell.status == RUNNING),
        **_mlflow(storage, folder, None),
    )


def of_cell(storage: Path, folder: Path, driver: str | None = None) -> Standing:
    """A fine-tuning; a cell of an evaluation is driven by the evaluation's `driver`."""
    driver = driver or holder(folder)
    entries = journal.read(folder / journal.JOURNAL)
    problem = folder / "problem.json"
    if (folder / "result.json").is_file():
        status = FINISHED
    elif problem.is_file():
        status = FAILED
    else:
        status = (RUNNING if entries else NEW) if driver else INTERRUPTED
    model = folder / "model"
    told = [entry.values.get("steps") for entry in entries if entry.kind == "event"]
    return Standing(
        kind="fine-tuning",
        name=folder.name,
        folder=str(folder),
        status=status,
        driver=driver if status == RUNNING else None,
        problem=json.loads(problem.read_text("utf-8"))["problem"] if status == FAILED else None,
        model=str(model) if model.is_dir() else None,
        **_mlflow(storage, folder, None),
        **_progress(entries, next(filter(None, told), None), status),
    )


def _alive(folder: Path, status: str, entries: Sequence[journal.Entry]) -> tuple[str, str | None]:
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


def _mlflow(storage: Path, folder: Path, run_id: str | None) -> dict[str, Any]:
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
