"""Following cells from the driver: journals and results to MLflow, a line for the terminal."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from clism_ray import tracking
from clism_ray.config import identity_hash, to_tree
from clism_ray.finetune.cell import ITEMS, RESULT, CellResult, problem_of, read_result
from clism_ray.finetune.names import result_metrics
from clism_ray.finetune.plan import Cell
from clism_ray.store import Store, StoreFailed
from clism_ray.tracked_run import NewRun, change_tracking
from clism_ray.train import journal
from clism_ray.train.follow import PASS_SECONDS
from clism_ray.train.progress import describe_cell
from clism_ray.train.status import FAILED, FINISHED, WARNING
from clism_ray.train.tracking_record import keepable, read_tracking

HEADLINES = (
    "mlqa_f1",
    "squad_f1",
    "squad_exact",
    "f1",
)  # what a line on the terminal says of a test


def follow_cell(
    cell: Cell,
    store: Store,
    artefacts: Path,
    parent: tracking.Tracker | None = None,
    lines: bool = True,
) -> Iterator[bool]:
    """Each pass brings MLflow and the terminal up to date; says whether MLflow has all of it.

    Args:
        cell: may not have begun; until it does, nothing happens.
        store: shared by all cells of a job.
        artefacts: where a new experiment of a local store keeps its files.
        parent: the run of the evaluation that the cell is part of.
        lines: whether each report is told, not just the outcome.
    """
    path = cell.folder / journal.JOURNAL
    position, taken = 0, 0
    shown, told = time.time_ns() // 1_000_000, cell.done
    entries: list[journal.Entry] = []
    tracker: tracking.Tracker | None = None
    while not read_tracking(cell.folder).get("delivered"):
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
                tracker = tracker or _tracker(cell, store, artefacts, parent)
                if tracker.deliver(curve[taken:], PASS_SECONDS):
                    taken = len(curve)
                    _end(tracker, cell, curve, result)
        except StoreFailed as error:
            store.tell(error, path)
        yield bool(read_tracking(cell.folder).get("delivered"))
    while True:
        yield True


def _print(cell: Cell, entries: Sequence[journal.Entry]) -> None:
    for entry in entries:
        if entry.kind == "train":
            print(describe_cell(cell.config.name, entry, sys.stdout.isatty()), flush=True)
        elif entry.values.get("status") == WARNING:
            print(f"cell {cell.config.name}: {entry.values['problem']}", flush=True)


def outcome_line(result: CellResult) -> str:
    """The scores of a cell in one line."""
    each = " ".join(
        f"{key}:{name}={score.metrics[name]:.1f}"
        for key, score in result.scores.items()
        for name in HEADLINES
        if name in score.metrics
    )
    return f"cell {result.name} loss={result.loss:.3f} seconds={result.seconds:.0f} {each}"


def tell_undelivered(cells: Sequence[Cell]) -> None:
    """Say how many cells that are done MLflow does not have whole, if there are any."""
    lacking = [c for c in cells if c.done and not read_tracking(c.folder).get("delivered")]
    if lacking:
        print(
            f"MLflow lacks {len(lacking)} of {len(cells)} cells; the same command, started again, "
            "delivers them",
            flush=True,
        )


def _tracker(
    cell: Cell, store: Store, artefacts: Path, parent: tracking.Tracker | None
) -> tracking.Tracker:
    """The cell's run in MLflow, made once however often the cell is started.

    Raises StoreFailed while there is no parent for it.
    """
    config = cell.config
    tags = {
        "kind": "cell",
        "identity": identity_hash(cell.identity),
        "git_commit": tracking.git_commit(),
        "model": cell.model,
        "form": config.form,
        "size": str(config.size or "all"),
        "sample": str(config.sample),
        "seed": str(config.seed),
        "folder": str(cell.folder),
    }
    if parent:
        parent.open()
        tags[tracking.PARENT] = str(parent.run_id)
    new = NewRun(
        name=config.name,
        experiment=config.tracking.experiment,
        artefacts=artefacts,
        folder=cell.folder,
        parameters=to_tree(keepable(config)),
        tags=tags,
    )
    return tracking.Tracker(store, new)


def _end(
    tracker: tracking.Tracker,
    cell: Cell,
    curve: Sequence[journal.Entry],
    result: CellResult | None,
) -> None:
    """End the cell's run in MLflow if the cell is over, and remember what MLflow has.

    Raises StoreFailed.
    """
    problem = problem_of(cell.folder)
    if result:
        written = (cell.folder / RESULT).stat().st_mtime_ns // 1_000_000
        scores = journal.Entry(written, "test", result.steps, result_metrics(result))
        files = [cell.folder / name for name in ("config.yaml", RESULT, ITEMS)]
        kept = [(path, None) for path in files if path.is_file()]
        if "problem" in read_tracking(cell.folder):
            tracker.tag(problem="")
        tracker.end(FINISHED, [*curve, scores], kept)
        change_tracking(cell.folder, delivered=True)
    elif problem and read_tracking(cell.folder).get("problem") != problem:
        tracker.tag(problem=problem)
        tracker.end(FAILED, curve, [])
        change_tracking(cell.folder, problem=problem)
