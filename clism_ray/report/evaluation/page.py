"""The page of an evaluation: what came out, how sure that is, and what it was made from."""

from collections.abc import Mapping, Sequence

from clism_ray.report.evaluation.layouts import (
    by_language,
    by_size,
    details,
    matrix,
    side_by_side,
)
from clism_ray.report.evaluation.notes import notes
from clism_ray.report.evaluation.provenance import provenance
from clism_ray.report.evaluation.published import AVERAGED, CAUTION, CITATION, family, published
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.size_curve import Point, size_curve
from clism_ray.report.evaluation.tables import Table, exact_of
from clism_ray.report.evaluation.words import (
    average_words,
    how_to_read,
    metric_words,
    runs_word,
    sentences,
    shown_words,
    size_words,
)
from clism_ray.report.page import Html, figure, folded, page, paragraph, section
from clism_ray.tasks.significance import AVERAGE

SQUAD = "squad_f1"


def figures(evaluation: Evaluation) -> dict[str, str]:
    """The curves by number of training examples, as SVG, by test set."""
    drawn = {}
    for test in evaluation.config.task.tests:
        if tables := evaluation.headline(test):
            curves: dict[str, list[Point]] = {}
            for one in sorted(tables, key=lambda table: _examples(evaluation, table)):
                for line in one.counting():
                    point = Point(_examples(evaluation, one), line.scores[AVERAGE])
                    curves.setdefault(line.model, []).append(point)
            label = f"{metric_words(tables[0].metric)} on {test}"
            drawn[test] = size_curve(f"curve-{test}", label, curves, evaluation.config.baseline)
    return {test: svg for test, svg in drawn.items() if svg is not None}


def render(evaluation: Evaluation, drawn: Mapping[str, str]) -> str:
    """The page, with the figures that were drawn."""
    parts = [paragraph(sentence) for sentence in sentences(evaluation)]
    parts += [paragraph(note, soft=True) for note in notes(evaluation)]
    if evaluation.tables:
        parts.append(paragraph(how_to_read(evaluation), soft=True))
    for test in evaluation.config.task.tests:
        if tables := evaluation.headline(test):
            parts.append(_test(evaluation, tables, drawn.get(test)))
    if len(evaluation.config.models) > 1 and evaluation.tables:
        note = f"Averages of F1, and in brackets the difference to {evaluation.config.baseline}."
        parts.append(section("Models side by side", paragraph(note), side_by_side(evaluation)))
    if evaluation.tables:
        parts.append(section("All forms, metrics and differences", *details(evaluation)))
    if any(_has_published(evaluation, test) for test in evaluation.config.task.tests):
        parts.append(section("The paper", paragraph(CITATION), paragraph(CAUTION)))
    return page(f"Evaluation {evaluation.config.name}", [*parts, *provenance(evaluation)])


def _test(evaluation: Evaluation, tables: Sequence[Table], curve: str | None) -> Html:
    """A test set: a table per size, sizes side by side, the matrix of languages."""
    test, parts = tables[0].test, []
    if curve is not None:
        caption = (
            f"{metric_words(tables[0].metric)} by number of training examples, {test}, "
            f"{average_words(tables[0])}; bands are intervals of "
            f"{evaluation.config.confidence:.0%}."
        )
        parts.append(figure(curve, caption))
    if len(tables) > 1:
        parts.append(by_size(evaluation, tables))
    for one in tables:
        parts.append(paragraph(_caption(evaluation, one)))
        parts.append(by_language(evaluation, one))
        if squad := evaluation.table(test, SQUAD, one.size) if one.metric != SQUAD else None:
            title = f"The same by SQuAD's script, which knows English alone: {size_words(one.size)}"
            parts.append(folded(title, by_language(evaluation, squad)))
        if evaluation.is_matrix(test):
            parts += [matrix(evaluation, one, line) for line in one.counting()]
    if shown := shown_words(evaluation, test):
        parts.append(paragraph(shown, soft=True))
    if _has_published(evaluation, test):
        over = AVERAGED[family(test) or ""]
        note = f"Published figures are the paper's, averages over {over}."
        parts.append(paragraph(note, soft=True))
    return section(test, *parts)


def _caption(evaluation: Evaluation, one: Table) -> str:
    exact = " / EM" if exact_of(one.metric) else ""
    samples = f"{len(one.samples)} {runs_word([one.size])}{'s' * (len(one.samples) > 1)}"
    return (
        f"Trained on {size_words(one.size)}, {samples}: {metric_words(one.metric)}{exact} "
        f"of {sum(one.items[column] for column in one.averaged):,} items in the average."
    )


def _has_published(evaluation: Evaluation, test: str) -> bool:
    """Whether the paper has figures of this test set in one of these sizes."""
    sizes = {table.size for table in evaluation.headline(test)}
    return not evaluation.is_matrix(test) and any(published(test, size) for size in sizes)


def _examples(evaluation: Evaluation, one: Table) -> int:
    """How many examples were trained on, also where the size is all there are."""
    return next(
        cell.result.train.examples for cell in evaluation.cells if cell.place.size == one.size
    )
