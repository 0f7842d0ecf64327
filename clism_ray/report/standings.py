"""Where everything of a name stands: runs, sweeps and their trials, evaluations, fine-tunings."""

import dataclasses
import difflib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from clism_ray.config_file import load
from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import InputError
from clism_ray.finetune.place import places
from clism_ray.hold import holder
from clism_ray.report.standing import INTERRUPTED, NEW, Standing, alive, mlflow_of, of_cell, of_run
from clism_ray.train.status import FAILED, FINISHED, RUNNING

_RECORDS = {"runs": "run.json", "sweeps": "sweep.json", "evaluations": "evaluation.yaml"}
_RECORDS["finetuned"] = "config.yaml"
_DAMAGE = (OSError, UnicodeError, json.JSONDecodeError, yaml.YAMLError)
_OF_ANOTHER_FORM = (KeyError, TypeError, AttributeError)


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


def of_sweep(storage: Path, folder: Path) -> Standing:
    """A sweep, and those of its trials that run."""
    record = json.loads((folder / "sweep.json").read_text("utf-8"))
    tree, trials = record["identity"], record["trials"]
    wanted = tree["trials"] or math.prod(len(e["choice"] or ()) for e in tree["space"].values())
    status, driver = alive(folder, str(record["status"]), ())
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
        **mlflow_of(storage, folder, record["mlflow_run"]),
    )


def _waits(cell: Standing) -> bool:
    """Whether a cell, which has files before its turn comes, never began."""
    return cell.status == INTERRUPTED and cell.step is None


def of_evaluation(storage: Path, folder: Path) -> Standing:
    """An evaluation, and those of its cells that run."""
    config = load(EvaluateConfig, folder / "evaluation.yaml")
    driver = holder(folder)
    wanted = [folder / "cells" / str(place) for place in places(config)]
    cells = [of_cell(storage, cell, driver) for cell in wanted]
    parts = Counter(NEW if _waits(cell) else cell.status for cell in cells)
    whole = FINISHED if parts[FINISHED] == len(cells) else FAILED if parts[FAILED] else INTERRUPTED
    parts["to come"] = parts.pop(NEW, 0)
    return Standing(
        kind="evaluation",
        name=folder.name,
        folder=str(folder),
        status=RUNNING if driver else whole,
        driver=driver,
        problem=next((cell.problem for cell in cells if cell.problem and not driver), None),
        parts=dict(parts),
        running=tuple(cell for cell in cells if cell.status == RUNNING),
        **mlflow_of(storage, folder, None),
    )
