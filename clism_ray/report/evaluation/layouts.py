"""How the tables of an evaluation are laid out: after the paper's, with its figures beside ours."""

from collections.abc import Mapping, Sequence

from clism_ray.finetune.place import size_label
from clism_ray.report.evaluation.published import Figures, published, published_ablation
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.tables import Line, Table, exact_of
from clism_ray.report.evaluation.words import (
    difference,
    interval,
    metric_words,
    p_words,
    size_words,
    star,
)
from clism_ray.report.page import Cell, Html, folded, paragraph, table
from clism_ray.tasks.significance import AVERAGE

Rows = list[list[Cell]]


def by_language(evaluation: Evaluation, one: Table) -> Html:
    """Models as rows, languages as columns, as the paper's tables 2 and 3."""
    config, exact = evaluation.config, _beside(evaluation, one)
    matrix = evaluation.is_matrix(one.test)  # whose columns are a table of their own
    averaged = one.averaged if len(one.averaged) > 1 and not matrix else ()
    shown = () if matrix else one.shown
    head = ["model", "form", *averaged, "average" if averaged or matrix else one.averaged[0]]
    head += [f"difference to {config.baseline}", "p"]
    head += [f"{column} (shown)" for column in shown]

    def cells(line: Line, columns: Sequence[str]) -> list[str]:
        return [
            _pair(line, exact, column) + star(line.differences.get(column), config.confidence)
            for column in columns
        ]

    rows: Rows = []
    for line in one.counting():
        told = line.differences.get(AVERAGE)
        row: list[Cell] = [_model(evaluation, line.model), line.form, *cells(line, averaged)]
        row += [_pair(line, exact, AVERAGE), difference(told, config.confidence)]
        rows.append([*row, "" if told is None else p_words(told.p), *cells(line, shown)])
    repeated = matrix or len(evaluation.headline(one.test)) > 1  # `by_size` has them then
    for name, found in ({} if repeated else published(one.test, one.size)).items():
        blank = [""] * len(averaged), [""] * (2 + len(shown))
        rows.append([f"{name}, published", "", *blank[0], _figures(found), *blank[1]])
    return table(head, rows)


def by_size(evaluation: Evaluation, tables: Sequence[Table]) -> Html:
    """Models as rows, sizes as columns, as the paper's table 9."""
    config = evaluation.config
    head = ["model", *(size_words(one.size) for one in tables)]
    rows: Rows = []
    for model in config.models:
        values: list[Cell] = []
        for one in tables:
            line = one.line(model)
            if line is None:
                values.append("")
                continue
            told = line.differences.get(AVERAGE)
            change = f", {told.value:+.1f}{star(told, config.confidence)}" if told else ""
            form = f" ({line.form})" if len(config.models[model].forms) > 1 else ""
            values.append(_pair(line, _beside(evaluation, one), AVERAGE) + change + form)
        rows.append([_model(evaluation, model), *values])
    if not evaluation.is_matrix(tables[0].test):
        rows += _published_rows([published(one.test, one.size) for one in tables])
    return table(head, rows)


def side_by_side(evaluation: Evaluation) -> Html:
    """Models as rows, test sets and sizes as columns, as the paper's table 4 of ablations."""
    config = evaluation.config
    tables = [one for test in config.task.tests for one in evaluation.headline(test)]
    head = ["model", *(f"{one.test}, {size_label(one.size)}" for one in tables)]
    rows: Rows = []
    for model in config.models:
        values: list[Cell] = []
        for one in tables:
            line = one.line(model)
            told = line.differences.get(AVERAGE) if line else None
            value = f"{line.scores[AVERAGE].value:.1f}" if line else ""
            change = f" ({told.value:+.1f}{star(told, config.confidence)})" if told else ""
            values.append(value + change)
        rows.append([_model(evaluation, model), *values])
    figures = [
        {} if evaluation.is_matrix(one.test) else published_ablation(one.test, one.size)
        for one in tables
    ]
    rows += _published_rows(figures)
    return table(head, rows)


def matrix(evaluation: Evaluation, one: Table, line: Line) -> Html:
    """Languages of passages as rows, of questions as columns."""
    files = evaluation.config.task.tests[one.test].files(one.test)
    asked = list(dict.fromkeys(file.question_language or "" for file in files))
    rows: Rows = []
    for language in dict.fromkeys(file.language for file in files):
        columns = [f"{language}-{question}" for question in asked]
        scores = [line.scores[c] if c in line.scores else None for c in columns]
        rows.append([language, *(f"{score.value:.1f}" if score else "" for score in scores)])
    label = f"{line.model} ({line.form}): {metric_words(one.metric)} by languages of passage (rows)"
    same = [
        line.scores[file.column].value
        for file in files
        if file.averaged and file.language == file.question_language
    ]
    if same:
        label += f" and question; {sum(same) / len(same):.1f} on average where both are the same"
    return Html(paragraph(f"{label}.") + table(["passage", *asked], rows))


def details(evaluation: Evaluation) -> list[Html]:
    """Every score and difference with its interval, folded away."""
    parts = []
    for one in evaluation.tables:
        head = ["model", "form", "counts", "column", metric_words(one.metric), "items"]
        head += [f"difference to {evaluation.config.baseline}", "p", "p (Holm)"]
        rows: Rows = []
        for line in one.lines:
            for column, score in line.scores.items():
                told = line.differences.get(column)
                row: list[Cell] = [line.model, line.form, "yes" if line.counts else "no"]
                row += [column + (" (shown)" if column in one.shown else ""), interval(score)]
                row += [one.items.get(column), difference(told, evaluation.config.confidence)]
                rows.append([*row, *(map(p_words, (told.p, told.p_holm)) if told else ("", ""))])
        title = f"{one.test}, {metric_words(one.metric)}, {size_words(one.size)}"
        parts.append(folded(title, table(head, rows)))
    return parts


def _beside(evaluation: Evaluation, one: Table) -> Table | None:
    return evaluation.table(one.test, exact_of(one.metric), one.size)


def _pair(line: Line, exact: Table | None, column: str) -> str:
    """`45.2 / 30.1`: F1, and exact match where there is one."""
    beside = exact.line(line.model) if exact else None
    values = [found.scores[column].value for found in (line, beside) if found]
    return " / ".join(f"{value:.1f}" for value in values)


def _published_rows(by_column: Sequence[Mapping[str, Figures]]) -> Rows:
    names = dict.fromkeys(name for found in by_column for name in found)
    return [
        [f"{name}, published", *(_figures(found.get(name)) for found in by_column)]
        for name in names
    ]


def _figures(found: Figures | None) -> str:
    return "" if found is None else " / ".join(f"{v:g}" for v in found if v is not None)


def _model(evaluation: Evaluation, model: str) -> str:
    return f"{model} (baseline)" if model == evaluation.config.baseline else model
