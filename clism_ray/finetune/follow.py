"""Following cells from the driver: journals and results to MLflow, a line for the terminal.

<cell>/tracking.json   the cell's run in MLflow, and whether MLflow has all of it
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clism_ray import tracking
from clism_ray.config import identity_hash, to_tree
from clism_ray.errors import InputError
from clism_ray.finetune.cell import RESULT, CellResult, problem_of, read_result
from clism_ray.finetune.names import result_metrics
from clism_ray.finetune.plan import Cell
from clism_ray.train import journal
from clism_ray.train.progress import describe_cell
from clism_ray.train.run import write_json
from clism_ray.train.status import FAILED, FINISHED

TRACKING = "tracking.json"
HEADLINES = ("squad_f1", "squad_exact", "f1")  # what a line on the terminal says of a test


def follow_cell(
    cell: Cell, uri: str, artefacts: Path, tags: Mapping[str, str], lines: bool = True
) -> Iterator[bool]:
    """Each pass brings MLflow and the terminal up to date; says whether MLflow has all of it.

    Args:
        cell: may not have begun; until it does, nothing happens.
        uri: of the MLflow store.
        artefacts: where a new experiment of a local store keeps its files.
        tags: beside the cell's own, such as its parent run.
        lines: whether each report is told, not just the outcome.
    """
    path = cell.folder / journal.JOURNAL
    position, taken, warned = 0, 0, False
    shown, told = time.time_ns() // 1_000_000, cell.done
    entries: list[journal.Entry] = []
    tracker: tracking.Tracker | None = None
    while not _read(cell.folder).get("delivered"):
        result = read_result(cell.folder)  # before the journal: once there, that is all of it
        new, position = journal.read_from(path, position)
        entries += new
        if lines:
            _print(cell, [entry for entry in new if entry.time >= shown])
        if result and not told:
            told = True
            print(outcome_line(result), flush=True)
        curve = list(journal.first_of_each(entries))
        try:
            if curve or result:
                tracker = tracker or _open(cell, uri, artefacts, tags)
                tracker.deliver(curve[taken:])
                taken = len(curve)
                _close(tracker, cell, result)
        except (InputError, *tracking.STORE_ERRORS) as error:
            if not warned:
                print(f"MLflow takes nothing ({tracking.told(error, uri)}); it waits in {path}")
                warned = True
        yield bool(_read(cell.folder).get("delivered"))
    while True:
        yield True


def _print(cell: Cell, entries: Sequence[journal.Entry]) -> None:
    for entry in entries:
        if entry.kind == "train":
            print(describe_cell(cell.config.name, entry, sys.stdout.isatty()), flush=True)


def outcome_line(result: CellResult) -> str:
    """The scores of a cell in one line."""
    each = " ".join(
        f"{key}:{name}={score.metrics[name]:.1f}"
        for key, score in result.scores.items()
        for name in HEADLINES
        if name in score.metrics
    )
    return f"cell {result.name} loss={result.loss:.3f} seconds={result.seconds:.0f} {each}"


def _read(folder: Path) -> dict[str, Any]:
    path = folder / TRACKING
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return known


def _open(cell: Cell, uri: str, artefacts: Path, tags: Mapping[str, str]) -> tracking.Tracker:
    """The cell's run in MLflow, made once however often the cell is started."""
    config = cell.config
    tracker = tracking.start(
        uri,
        config.tracking.experiment,
        artefacts,
        config.name,
        _read(cell.folder).get("mlflow_run"),
        to_tree(tracking.keepable(config)),
        {
            "kind": "cell",
            "identity": identity_hash(cell.identity),
            "git_commit": tracking.git_commit(),
            "model": cell.model,
            "form": config.form,
            "size": str(config.size or "all"),
            "sample": str(config.sample),
            "seed": str(config.seed),
            "folder": str(cell.folder),
            **tags,
        },
    )
    write_json(cell.folder / TRACKING, {"mlflow_run": tracker.run_id})
    return tracker


def _close(tracker: tracking.Tracker, cell: Cell, result: CellResult | None) -> None:
    """End the cell's run in MLflow if the cell is over, and remember what MLflow has."""
    problem, known = problem_of(cell.folder), _read(cell.folder)
    if result:
        entry = journal.entry("test", result.steps, result_metrics(result))
        files = [cell.folder / "config.yaml", cell.folder / RESULT]
        kept = [(path, None) for path in files if path.is_file()]
        if tracker.close(FINISHED, [entry], kept):
            write_json(cell.folder / TRACKING, {**known, "delivered": True})
    elif problem and known.get("problem") != problem:
        tracker.tag(problem=problem)
        if tracker.close(FAILED, [], []):
            write_json(cell.folder / TRACKING, {**known, "problem": problem})
