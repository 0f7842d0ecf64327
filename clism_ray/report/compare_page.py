"""Runs side by side: where their configurations differ, what they reached, and how."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clism_ray.report.charts import metric_panels
from clism_ray.report.page import Cell, figure, page, paragraph, section, table, written
from clism_ray.report.results import Run, best_value

MAIN_METRICS = ("validation/accuracy", "loss/total", "loss/clism", "loss/cacr", "loss/mlm")

Rows = list[list[Cell]]


def render(runs: Sequence[Run]) -> str:
    """The page."""
    labels = labels_of(runs)
    parts = [paragraph(note, soft=True) for note in notes(runs)]
    metrics = [name for name in MAIN_METRICS if any(run.curves.get(name) for run in runs)]
    if metrics:
        drawn = metric_panels(labels, runs, metrics)
        parts.append(figure(drawn, "By step; a curve of many points shows means of neighbours."))
    changed = differences(runs)
    same = paragraph("The configurations are the same.")
    parts.append(section("Differences", table(["key", *labels], changed) if changed else same))
    parts.append(section("Metrics", table(["", *_twice(labels)], reached(runs))))
    parts.append(
        section("Runs", table(["run", "status", "minutes", *_TAGS, "MLflow run"], _about(runs)))
    )
    return page(f"{' · '.join(labels)}", parts)


def print_tables(runs: Sequence[Run], console: Console | None = None) -> None:
    """Print differences and metrics."""
    console = console or Console(width=None if Console().is_terminal else 120)
    labels = labels_of(runs)
    for note in notes(runs):
        console.print(Text(note))
    console.print(_printed("differences", labels, differences(runs)))
    metrics = [_together(row) for row in reached(runs)]
    console.print(_printed("metrics: last / best", labels, metrics))


def labels_of(runs: Sequence[Run]) -> list[str]:
    """The names of the runs, with part of the id where a name stands twice."""
    names = [run.name for run in runs]
    return [
        run.name if names.count(run.name) == 1 else f"{run.name} {run.run_id[:8]}" for run in runs
    ]


def notes(runs: Sequence[Run]) -> list[str]:
    """What a reader must know of which runs these are."""
    return [
        f"{run.namesakes + 1} runs are called {run.name}; this is the newest, {run.run_id}."
        for run in runs
        if run.namesakes
    ]


def differences(runs: Sequence[Run]) -> Rows:
    """Configuration keys whose values are not the same in all runs, with the values."""
    keys = sorted({key for run in runs for key in run.params})
    rows: Rows = [[key, *(run.params.get(key) for run in runs)] for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1]


def reached(runs: Sequence[Run]) -> Rows:
    """Every metric that any run has: at its last step, then at its best, run by run."""
    found = {name for run in runs for name in run.last}
    metrics = [name for name in MAIN_METRICS if name in found]
    metrics += sorted(found - {*metrics})
    rows: Rows = []
    for name in metrics:
        pairs = ((run.last.get(name), best_value(name, run.curves.get(name, ()))) for run in runs)
        rows.append([name, *(value for pair in pairs for value in pair)])
    return rows


_TAGS = ("corpus", "git_commit", "identity", "seed")


def _about(runs: Sequence[Run]) -> Rows:
    return [
        [
            run.name,
            run.status,
            None if run.seconds is None else round(run.seconds / 60, 1),
            *(run.tags.get(tag) for tag in _TAGS),
            run.run_id,
        ]
        for run in runs
    ]


def _twice(labels: Sequence[str]) -> list[str]:
    return [f"{label}, {which}" for label in labels for which in ("last", "best")]


def _together(row: Sequence[Cell]) -> list[Cell]:
    """A row of `reached` with last and best of a run in one cell."""
    pairs = zip(row[1::2], row[2::2], strict=True)
    return [row[0], *(" / ".join(written(v) for v in pair if v is not None) for pair in pairs)]


def _printed(title: str, labels: Sequence[str], rows: Rows) -> Table:
    made = Table(title=title)
    made.add_column("", no_wrap=True)
    for label in labels:
        made.add_column(Text(label), justify="right", overflow="fold")
    for row in rows:
        made.add_row(*(Text(written(cell)) for cell in row))
    return made
