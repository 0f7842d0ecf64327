"""From scores of items to tables: means, intervals, and differences to the baseline.

A *system* is a model in one form. Where a model has several forms, the one with the highest average
on a test set counts, for each size anew, and for the baseline as for all others. Only samples
that every system has finished are compared, so that all of them were trained on the same examples.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import InputError
from clism_ray.finetune.cell import IDS, PARTS, read_items
from clism_ray.report.evaluation.cells import ScoredCell
from clism_ray.tasks import ner_scores, statistics
from clism_ray.tasks.item_groups import Groups, item_groups
from clism_ray.tasks.significance import AVERAGE, Comparison, compare
from clism_ray.tasks.statistics import Estimate, Resampled, resample


class System(NamedTuple):
    """A model in one form."""

    model: str
    form: str


Runs = Mapping[System, Sequence[ScoredCell]]  # one cell per sample, in the same order for all


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of a table."""

    model: str
    form: str
    counts: bool  # False: another form of the model has the higher average
    scores: Mapping[str, Estimate]  # by column, and the average
    differences: Mapping[str, Comparison]  # empty for the baseline and forms that do not count


@dataclass(frozen=True, kw_only=True)
class Table:
    """All systems on one test set, by one metric, after training on one size."""

    test: str
    metric: str
    size: int | None
    averaged: tuple[str, ...]  # columns
    shown: tuple[str, ...]  # columns that are in no average
    samples: tuple[int, ...]
    items: Mapping[str, int]  # by column
    lines: tuple[Line, ...]

    def counting(self) -> list[Line]:
        """One line per model."""
        return [line for line in self.lines if line.counts]

    def line(self, model: str) -> Line | None:
        """The line of a model that counts, if it has cells."""
        return next((line for line in self.counting() if line.model == model), None)


def make_tables(config: EvaluateConfig, cells: Sequence[ScoredCell]) -> tuple[Table, ...]:
    """All tables there are cells for: by test set, size and metric, the headline metric first."""
    return tuple(
        table
        for test in config.task.tests
        for size in config.sizes
        if (runs := compared(cells, size))
        for table in _tables(config, test, size, runs)
    )


def compared(cells: Sequence[ScoredCell], size: int | None) -> Runs:
    """The systems that have cells of a size, with those samples that all of them have."""
    by_system: dict[System, dict[int, ScoredCell]] = {}
    for cell in cells:
        if cell.place.size == size:
            system = System(cell.place.model, cell.place.form)
            by_system.setdefault(system, {})[cell.place.sample] = cell
    common = set.intersection(*map(set, by_system.values())) if by_system else set()
    return {
        system: [cell for sample, cell in sorted(samples.items()) if sample in common]
        for system, samples in by_system.items()
        if common
    }


def headline_metric(metrics: Iterable[str]) -> str:
    """The metric that claims rest on: by each language's own rules, where there are such."""
    return next(name for name in ("mlqa_f1", "squad_f1", "f1") if name in metrics)


def exact_of(metric: str) -> str | None:
    """The exact-match metric beside an F1, by the same rules."""
    return metric.replace("_f1", "_exact") if metric.endswith("_f1") else None


def is_real(comparison: Comparison, confidence: float) -> bool:
    """Whether a difference is shown: its interval leaves out 0, and so does its corrected p."""
    outside = not comparison.low <= 0 <= comparison.high
    return outside and comparison.p_holm < 1 - confidence


def _tables(config: EvaluateConfig, test: str, size: int | None, runs: Runs) -> list[Table]:
    files = config.task.tests[test].files(test)
    averaged = tuple(file.column for file in files if file.averaged)
    shown = tuple(file.column for file in files if not file.averaged)
    metrics = _columns_of_metrics(test, averaged, shown, runs)
    headline = headline_metric(metrics)
    metrics = {headline: metrics[headline]} | metrics
    drawn = _draw(config, test, averaged, metrics, runs)
    forms = _choose(headline, drawn[headline], runs)
    cells = next(iter(runs.values()))
    items = {file.column: cells[0].result.scores[file.key].items for file in files}
    return [
        Table(
            test=test,
            metric=metric,
            size=size,
            averaged=averaged,
            shown=tuple(column for column in columns if column not in averaged),
            samples=tuple(cell.place.sample for cell in cells),
            items={column: items[column] for column in columns},
            lines=tuple(
                _line(metric, system, drawn[metric], forms, config.baseline) for system in runs
            ),
        )
        for metric, columns in metrics.items()
    ]


def _columns_of_metrics(
    test: str, averaged: Sequence[str], shown: Sequence[str], runs: Runs
) -> dict[str, tuple[str, ...]]:
    """The columns that have a metric in all cells; a metric must have all the averaged ones."""
    cells = [cell for run in runs.values() for cell in run]
    have = {
        column: [set(cell.series(f"{test}/{column}")) for cell in cells]
        for column in (*averaged, *shown)
    }
    return {
        metric: tuple(column for column in have if all(metric in one for one in have[column]))
        for metric in cells[0].series(f"{test}/{averaged[0]}")
        if all(metric in one for column in averaged for one in have[column])
    }


def _draw(
    config: EvaluateConfig,
    test: str,
    averaged: Sequence[str],
    metrics: Mapping[str, tuple[str, ...]],
    runs: Runs,
) -> dict[str, Resampled]:
    """Scores by metric, of systems called by metric, model and form.

    Metrics that have the same columns share draws, which take most of the time.
    """
    found: dict[str, Resampled] = {}
    for columns in dict.fromkeys(metrics.values()):
        together = [metric for metric, has in metrics.items() if has == columns]
        results = {
            _name(metric, system): {
                column: np.stack([cell.series(f"{test}/{column}")[metric] for cell in cells])
                for column in columns
            }
            for metric in together
            for system, cells in runs.items()
        }
        drawn = resample(
            results,
            statistics.mean if config.qa else ner_scores.f1,
            resamples=config.resamples,
            confidence=config.confidence,
            bounds=(0, 100),
            groups=_groups(test, columns, runs, bool(config.task.tests[test].parallel)),
            averaged=averaged,
        )
        found |= dict.fromkeys(together, drawn)
    return found


def _groups(test: str, columns: Iterable[str], runs: Runs, parallel: bool) -> Groups:
    """What is drawn together; test files are the same for all cells, so one cell tells.

    InputError if none does: drawn one by one, items would make intervals too narrow.
    """
    for cell in (cell for cells in runs.values() for cell in cells):
        named = read_items(cell.folder, names=True)
        items = {column: named.get(f"{test}/{column}", {}) for column in columns}
        if all(item.keys() >= {IDS, PARTS} for item in items.values()):
            break
    else:
        raise InputError(
            f"{cell.folder.parent}: no cell tells of which passage or document each item of {test} "
            "is, as an earlier version made them; remove the folder and evaluate again"
        )
    return item_groups(
        {column: item[IDS].tolist() for column, item in items.items()},
        {column: item[PARTS].tolist() for column, item in items.items()},
        parallel=parallel,
    )


def _choose(metric: str, drawn: Resampled, runs: Runs) -> dict[str, str]:
    """The form of each model that has the highest average; of equals the first."""
    best: dict[str, tuple[float, str]] = {}
    for system in runs:
        value = drawn.estimate(_name(metric, system)).value
        if system.model not in best or value > best[system.model][0]:
            best[system.model] = value, system.form
    return {model: form for model, (_, form) in best.items()}


def _line(
    metric: str, system: System, drawn: Resampled, forms: Mapping[str, str], baseline: str
) -> Line:
    name = _name(metric, system)
    scores = {column: drawn.estimate(name, column) for column in drawn.languages}
    counts = forms[system.model] == system.form
    differences: dict[str, Comparison] = {}
    if counts and system.model != baseline and baseline in forms:
        other = _name(metric, System(baseline, forms[baseline]))
        differences = compare(drawn, name, other)
    return Line(
        model=system.model,
        form=system.form,
        counts=counts,
        scores=scores | {AVERAGE: drawn.estimate(name)},
        differences=differences,
    )


def _name(metric: str, system: System) -> str:
    return " ".join((metric, *system))
