"""The page of a sweep: which trial is best, how sure that is, and how to train it."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from clism_ray.report.charts import importance_bars, learning_curves
from clism_ray.report.importance import FEWEST, comparable, importance
from clism_ray.report.landscape import FEWEST as FEWEST_POINTS
from clism_ray.report.landscape import NEAR_BEST, choices, landscape
from clism_ray.report.page import (
    Cell,
    Html,
    command,
    figure,
    page,
    paragraph,
    save,
    section,
    table,
    written,
)
from clism_ray.report.repeats import CONFIDENCE, Interval, repeats
from clism_ray.report.results import Dimension, Run, Sweep
from clism_ray.train.status import FAILED, RUNNING, STOPPED_EARLY

PAGE = "page.html"
_FEW = 20  # trials; below, importance is rough


def write(sweep: Sweep, folder: Path) -> dict[str, Path]:
    """Write the page and, beside it, each figure as a file of its own: name -> file.

    The names are `page` and those of `figures`.
    """
    drawn = figures(sweep)
    files = {"page": save(folder / PAGE, render(sweep, drawn))}
    return files | {name: save(folder / f"{name}.svg", svg) for name, svg in drawn.items()}


def figures(sweep: Sweep) -> dict[str, str]:
    """The figures that there are data for, as SVG: landscape, choices, curves, importance."""
    shares = importance(sweep) or {}
    order = list(shares) or [dimension.key for dimension in sweep.space]
    drawn = {
        "landscape": landscape(sweep, order),
        "choices": choices(sweep, order),
        "curves": learning_curves(sweep),
        "importance": importance_bars(shares) if len(shares) > 1 else None,
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}


def render(sweep: Sweep, drawn: Mapping[str, str]) -> str:
    """The page, with the figures that were drawn."""
    parts = [paragraph(headline(sweep))]
    if sweep.run.namesakes:
        parts.append(paragraph(_older(sweep.run), soft=True))
    parts += _repeats(sweep)
    parts += [figure(svg, _caption(name, sweep)) for name, svg in drawn.items()]
    parts.append(_trials(sweep))
    if sweep.best() is not None:
        parts.append(section("Train the best", command(next_command(sweep))))
    parts.append(section("Search space", _space(sweep)))
    parts.append(section("Lineage", _lineage(sweep)))
    return page(f"Sweep {sweep.name}", parts)


def headline(sweep: Sweep) -> str:
    """What came out, in words."""
    counts = {status: sweep.count(status) for status in (STOPPED_EARLY, FAILED, RUNNING)}
    several = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    over = f"{len(sweep.trials)} trials" + (f" ({several})" if several else "")
    best = sweep.best()
    if best is None:
        return f"No trial has a value of {sweep.objective} yet: {over}."
    curve = sweep.curve(best)
    value = "no value"
    if curve:
        early = ", where it was stopped early" if best.status == STOPPED_EARLY else ""
        value = f"{curve[-1][1]:.4g} at step {curve[-1][0]:,}{early}"
    settings = ", ".join(f"{d.key} = {_setting(best, d)}" for d in sweep.space)
    aim = {"max": "highest", "min": "lowest"}.get(sweep.mode, sweep.mode)
    return f"Best of {over}, by {aim} {sweep.objective}: {best.name} with {value}; {settings}."


def next_command(sweep: Sweep) -> str:
    """The command that trains with the values of the best trial."""
    name = shlex.quote(sweep.name)
    return f"python jobs/pretrain.py --from-sweep {name} name={shlex.quote(f'{sweep.name}-best')}"


def _caption(name: str, sweep: Sweep) -> str:
    fair = (
        f"Each trial counts with its {sweep.fair_label()}, the latest that all of them reached; "
        "the star is the best at its end."
    )
    if name == "landscape":
        others = " Neighbours differ in other keys as well." if len(sweep.space) > 2 else ""
        if sum(dimension.numeric for dimension in sweep.space) == 1:
            return f"{sweep.objective} by value; the line joins means. {fair}"
        return (
            f"{sweep.objective} over the values searched. {fair} With {FEWEST_POINTS} trials or "
            "more the plane between them is filled by linear interpolation; the line encloses "
            f"what comes within {NEAR_BEST:.0%} of the range from the best.{others}"
        )
    if name == "choices":
        return f"{sweep.objective} by choice. {fair}"
    if name == "curves":
        return (
            "Every trial by step. A dot ends a trial that was stopped early, a cross a failed one."
        )
    trials = len(comparable(sweep))
    rough = " With so few trials this is rough." if trials < _FEW else ""
    return (
        f"Share of the differences in {sweep.objective} that each key alone explains (fANOVA) at "
        f"step {sweep.equal_step():,}, the latest that all of these {trials} trials reached.{rough}"
    )


def _trials(sweep: Sweep) -> Html:
    ranked = sweep.ranked()
    problems = any(trial.tags.get("problem") for trial in ranked)
    head = ["", "trial", *(d.key for d in sweep.space), sweep.objective, "last step", "status"]
    head += ["minutes", "MLflow run", *(["problem"] if problems else [])]
    rows: list[list[Cell]] = []
    for rank, trial in enumerate(ranked, start=1):
        curve = sweep.curve(trial)
        row: list[Cell] = [rank, trial.name, *(_number(trial, d) for d in sweep.space)]
        row += [curve[-1][1], curve[-1][0]] if curve else [None, None]
        row += [trial.status, None if trial.seconds is None else round(trial.seconds / 60, 1)]
        rows.append([*row, trial.run_id, *([trial.tags.get("problem")] if problems else [])])
    best = sweep.best()
    marked = next((place for place, trial in enumerate(ranked) if trial is best), None)
    note = (
        "The value of a trial that was stopped early is that of its last step, after less "
        "training than a finished one had."
    )
    notes = [paragraph(note, soft=True)] if sweep.count(STOPPED_EARLY) else []
    if 0 < len(sweep.trials) < FEWEST:
        notes.append(paragraph(f"Importance needs {FEWEST} trials or more.", soft=True))
    return section("Trials", *notes, table(head, rows, marked))


def _repeats(sweep: Sweep) -> list[Html]:
    rows = repeats(sweep)
    if not rows:
        return []
    head = [*rows[0].values, f"mean {sweep.objective}", "interval", "to the best", "interval"]
    body: list[list[Cell]] = []
    for row in rows:
        cells: list[Cell] = [*row.values.values(), row.objective.mean, _between(row.objective)]
        cells += [row.to_best.mean, _between(row.to_best)] if row.to_best else [None, None]
        body.append(cells)
    note = (
        f"Means over {len(rows[0].seeds)} seeds ({', '.join(rows[0].seeds)}) with Student's "
        f"intervals of {CONFIDENCE:.0%}; differences are taken seed by seed. One whose interval "
        f"holds 0 may be chance. The best of {len(rows)} is chosen by these very means, which "
        "flatters it, and intervals are not corrected for their number."
    )
    return [section("Over seeds", paragraph(note, soft=True), table(head, body, 0))]


def _between(found: Interval) -> str:
    return f"{written(found.low)} to {written(found.high)}"


def _number(trial: Run, dimension: Dimension) -> Cell:
    if dimension.kind == "choice":
        return trial.params.get(dimension.key)
    at = dimension.coordinate(trial)
    return round(at) if dimension.kind == "integers" and at is not None else at


def _setting(trial: Run, dimension: Dimension) -> str:
    return written(_number(trial, dimension)) or "?"


def _space(sweep: Sweep) -> Html:
    rows: list[list[Cell]] = [
        [
            d.key,
            d.kind,
            " to ".join(map(str, d.values))
            if d.kind != "choice"
            else ", ".join(map(str, d.values)),
        ]
        for d in sweep.space
    ]
    search = sweep.run.params.get("search", "unknown")
    return Html(table(["key", "drawn", "values"], rows) + paragraph(f"Search: {search}."))


def _lineage(sweep: Sweep) -> Html:
    tags = sweep.run.tags
    rows: list[list[Cell]] = [["MLflow run", sweep.run.run_id]]
    names = {"corpus": "corpus hash", "git_commit": "git commit", "identity": "identity"}
    rows += [[label, tags.get(key, "unknown")] for key, label in names.items()]
    return table(["", ""], rows)


def _older(run: Run) -> str:
    return f"The newest of {run.namesakes + 1} sweeps of this name."
