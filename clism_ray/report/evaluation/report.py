"""Evaluations: read, printed, and written as a page and as tables for programs."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from clism_ray.config_file import load
from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import InputError
from clism_ray.finetune.place import size_label
from clism_ray.report import page
from clism_ray.report.evaluation import page as evaluation_page
from clism_ray.report.evaluation.cells import load_cells
from clism_ray.report.evaluation.files import to_csv, to_json
from clism_ray.report.evaluation.notes import notes
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.tables import Table, exact_of
from clism_ray.report.evaluation.words import (
    average_words,
    difference,
    how_to_read,
    interval,
    metric_words,
    p_words,
    sentences,
)
from clism_ray.tasks.significance import AVERAGE

CONFIG = "evaluation.yaml"


def load_evaluation(folder: Path, baseline: str | None = None) -> Evaluation:
    """Read an evaluation from its folder, finished or not; compared with another baseline if given.

    Raises InputError if there is none, if its cells cannot be compared with each other, or if the
    baseline is none of its models.
    """
    if not (folder / CONFIG).is_file():
        siblings = folder.parent.glob(f"*/{CONFIG}")
        known = ", ".join(sorted(path.parent.name for path in siblings))
        raise InputError(
            f"no evaluation is called {folder.name!r} in {folder.parent}; known: "
            f"{known or 'none'}. Another --storage may hold it"
        )
    other = [] if baseline is None else [f"baseline={json.dumps(baseline)}"]
    config = load(EvaluateConfig, folder / CONFIG, other)
    found = load_cells(folder, config)
    return Evaluation(config=config, folder=folder, **found._asdict())


def write_evaluation(evaluation: Evaluation, output: Path) -> list[Path]:
    """Write the report of an evaluation into the folder `output`; its files.

    They are `page.html`, `table.csv`, `table.json`, and the figures that the page holds.
    """
    figures = evaluation_page.figures(evaluation)
    texts = {
        "page.html": evaluation_page.render(evaluation, figures),
        "table.csv": to_csv(evaluation),
        "table.json": to_json(evaluation),
        **{f"curve-{test}.svg": svg for test, svg in figures.items()},
    }
    return [page.save(output / name, text) for name, text in texts.items()]


def report_evaluation(folder: Path, output: Path, baseline: str | None = None) -> None:
    """Print the evaluation in `folder`, and write its report into the folder `output`.

    With a `baseline`, models are compared with that one, as in `load_evaluation`.
    """
    evaluation = load_evaluation(folder, baseline)
    print_evaluation(evaluation)
    for path in write_evaluation(evaluation, output):
        print(f"{path.stem}: {path}")


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print what came out, and a table of averages for each test set."""
    console = console or Console(width=None if Console().is_terminal else 120)
    for sentence in sentences(evaluation):
        console.print(Text(sentence))
    for test in evaluation.config.task.tests:
        if tables := evaluation.headline(test):
            console.print(_grid(evaluation, tables))
    for note in [how_to_read(evaluation)] * bool(evaluation.tables) + notes(evaluation):
        console.print(Text(note, style="dim"))


def _grid(evaluation: Evaluation, tables: list[Table]) -> Grid:
    config, first = evaluation.config, tables[0]
    exact = exact_of(first.metric)
    made = Grid(title=f"{first.test}: {average_words(first)}", title_justify="left")
    for name in ("examples", "model", "form"):
        made.add_column(name, no_wrap=True, justify="right" if name == "examples" else "left")
    names = (metric_words(first.metric), *(("EM",) if exact else ()))
    for name in (*names, f"to {config.baseline}", "p", "samples"):
        made.add_column(name, justify="right", no_wrap=name != names[0])
    for table in tables:
        beside = evaluation.table(table.test, exact, table.size)
        for line in table.counting():
            told = line.differences.get(AVERAGE)
            made.add_row(
                size_label(table.size),
                line.model,
                line.form,
                interval(line.scores[AVERAGE]),
                *([_average(beside, line.model)] if exact else []),
                difference(told, config.confidence),
                "" if told is None else p_words(told.p),
                str(len(table.samples)),
            )
        made.add_section()
    return made


def _average(table: Table | None, model: str) -> str:
    line = table.line(model) if table else None
    return f"{line.scores[AVERAGE].value:.1f}" if line else ""
