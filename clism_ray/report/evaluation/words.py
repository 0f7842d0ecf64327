"""What an evaluation came to, in words that its data choose."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from clism_ray.finetune.cell import problem_of
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.tables import Table, compared, is_real
from clism_ray.tasks.significance import AVERAGE, Comparison
from clism_ray.tasks.statistics import Estimate

_UNKNOWN = 0.05  # share of unknown tokens from which on a language's score says little
_LISTED = 12  # cells named in a note
_NAMED = 8  # columns named in a sentence

_BETTER, _WORSE, _OPEN = "beats", "falls behind", "is not told apart from"


def sentences(evaluation: Evaluation) -> list[str]:
    """What each model is worth beside the baseline, test set by test set."""
    said = [
        _sentence(evaluation, test, model)
        for test in evaluation.config.task.tests
        for model in evaluation.config.models
        if model != evaluation.config.baseline
    ]
    found = [sentence for sentence in said if sentence]
    if found:
        return found
    return [
        f"Nothing can be compared yet: {len(evaluation.cells)} of {evaluation.planned} cells are "
        f"finished, and no sample of {evaluation.config.baseline} and of another model."
    ]


def notes(evaluation: Evaluation) -> list[str]:
    """What a reader must know before believing the tables."""
    config = evaluation.config
    found = [_unfinished(evaluation)] if evaluation.missing else []
    found += [note for size in config.sizes if (note := _samples(evaluation, size))]
    numbers_of_samples = {len(table.samples) for table in evaluation.tables}
    if 1 in numbers_of_samples:
        found.append(
            "One sample only: intervals are over test items, and say nothing of what another "
            "sample of training examples or another seed would change."
        )
    if 2 in numbers_of_samples:
        found.append(
            "Two samples only: simulated, such intervals of 95 % hold the truth 87 to 96 times in "
            "100, those of three samples 92 to 97."
        )
    drawn = {str(c.place.model) for c in evaluation.cells if c.result.head != "pre-trained"}
    if config.qa and drawn:
        found.append(
            "Not pre-trained, but drawn, is the head that answers of: "
            f"{listed(sorted(drawn), 'models')}."
        )
    numbers = {name: len(entry.forms) for name, entry in config.models.items()}
    if len(set(numbers.values())) > 1:
        told = ", ".join(f"{name} {number}" for name, number in numbers.items())
        found.append(
            "The better form of a model counts, which favours models that were tried in more "
            f"forms: {told}."
        )
    found += [note for test in config.task.tests for note in _of_test(evaluation, test)]
    if evaluation.strays:
        found.append(
            f"Not part of this grid, and not counted: {listed(evaluation.strays, 'cells')}."
        )
    return found


def how_to_read(evaluation: Evaluation) -> str:
    """What the numbers of the tables are."""
    config = evaluation.config
    return (
        f"Means over samples in per cent. Intervals of {config.confidence:.0%} come from "
        f"{config.resamples:,} resamples of samples and test items, drawn alike for all models. "
        f"* marks a difference to {config.baseline} whose interval leaves out 0 and whose p-value "
        f"is below {1 - config.confidence:.2g}, for single languages after Holm's correction for "
        "their number. Several models, sizes and test sets are not corrected for."
    )


def shown_words(evaluation: Evaluation, test: str) -> str | None:
    """Which languages are in no average, and how little the tokenizers know them."""
    told = []
    for file in evaluation.config.task.tests[test].files(test):
        shares = [cell.result.scores[file.key].tokenizer for cell in evaluation.cells]
        if shares and not file.averaged:
            unknown = max(share["unknown_share"] for share in shares)
            tokens = max(share["tokens_per_word"] for share in shares)
            told.append(f"{file.column} ({unknown:.0%} of tokens unknown, {tokens:.1f} to a word)")
    return f"Shown, but in no average: {', '.join(told)}." if told else None


def metric_words(metric: str) -> str:
    """A metric as people call it."""
    kind, _, entity = metric.partition("/")
    name = "EM" if kind.endswith("exact") else "F1"
    rules = " by MLQA's rules" if kind.startswith("mlqa") else ""
    return name + rules + (f" of {entity}" if entity else "")


def size_words(size: int | None) -> str:
    """`128 examples`."""
    return "all examples" if size is None else f"{size:,} examples"


def interval(estimate: Estimate | Comparison, *, signed: bool = False) -> str:
    """`45.2 (41.0 to 49.3)`, a difference with signs."""
    form = "{:+.1f} ({:+.1f} to {:+.1f})" if signed else "{:.1f} ({:.1f} to {:.1f})"
    return form.format(estimate.value, estimate.low, estimate.high)


def difference(comparison: Comparison | None, confidence: float) -> str:
    """A difference with its interval, and a star where it is real; nothing for None."""
    if comparison is None:
        return ""
    return interval(comparison, signed=True) + star(comparison, confidence)


def star(comparison: Comparison | None, confidence: float) -> str:
    """A star where a difference is real."""
    return " *" if comparison is not None and is_real(comparison, confidence) else ""


def p_words(p: float) -> str:
    """A p-value of two digits."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def joined(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def listed(names: Iterable[object], what: str) -> str:
    """The first names, and how many more."""
    texts = [str(name) for name in names]
    more = f", and {len(texts) - _LISTED} more {what}" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def _sentence(evaluation: Evaluation, test: str, model: str) -> str | None:
    verdicts: dict[str, list[str]] = defaultdict(list)
    confidence, tables = evaluation.config.confidence, evaluation.headline(test)
    for table in tables:
        line = next((line for line in table.counting() if line.model == model), None)
        if line is None or AVERAGE not in line.differences:
            continue
        found = line.differences[AVERAGE]
        real = is_real(found, confidence)
        verdict = _OPEN if not real else _BETTER if found.value > 0 else _WORSE
        value = abs(found.value) if real else found.value
        ends = sorted((abs(found.low), abs(found.high))) if real else (found.low, found.high)
        form = "{:.1f} ({:.1f} to {:.1f})" if real else "{:+.1f}, {:+.1f} to {:+.1f}"
        text = form.format(value, *ends)
        verdicts[verdict].append(
            f"by {text} with {size_words(table.size)}"
            if real
            else f"with {size_words(table.size)} ({text})"
        )
    if not verdicts:
        return None
    parts = [
        f"{verdict} {evaluation.config.baseline} {joined(cases)}"
        for verdict in (_BETTER, _WORSE, _OPEN)
        if (cases := verdicts.get(verdict))
    ]
    alone = " (one sample only)" if any(len(table.samples) == 1 for table in tables) else ""
    where = f"{test}, {metric_words(tables[0].metric)}, {average_words(tables[0])}"
    return f"{where}: {model} {'; it '.join(parts)}{alone}."


def average_words(table: Table) -> str:
    """What the average of a table is over."""
    if len(table.averaged) == 1:
        return table.averaged[0]
    if len(table.averaged) > _NAMED:
        return f"average of {len(table.averaged)} columns"
    return f"average of {joined(table.averaged)}"


def _unfinished(evaluation: Evaluation) -> str:
    problems = [
        f" {place}: {problem}."
        for place in evaluation.missing
        if (problem := problem_of(evaluation.folder / "cells" / str(place)))
    ]
    return (
        f"{len(evaluation.cells)} of {evaluation.planned} cells are finished; missing: "
        f"{listed(evaluation.missing, 'cells')}." + "".join(problems[:3])
    )


def _samples(evaluation: Evaluation, size: int | None) -> str | None:
    cells = [cell for cell in evaluation.cells if cell.place.size == size]
    if not cells:
        return None
    runs = compared(cells, size)
    number, wanted = len(next(iter(runs.values()), ())), len(evaluation.config.samples)
    there = {(cell.place.model, cell.place.form) for cell in cells}
    absent = [
        f"{name} ({form})"
        for name, entry in evaluation.config.models.items()
        for form in entry.forms
        if (name, form) not in there
    ]
    if number == wanted and not absent:
        return None
    without = f" Not in it: {joined(absent)}." if absent else ""
    return (
        f"With {size_words(size)}, {number} of {wanted} samples are compared: those that every "
        f"model in the table has finished.{without}"
    )


def _of_test(evaluation: Evaluation, test: str) -> list[str]:
    tables = [table for table in evaluation.tables if table.test == test]
    if not tables:
        return []
    found = []
    averaged = {f"{test}/{column}": column for column in tables[0].averaged}
    unknown: dict[str, float] = {}
    for cell in evaluation.cells:
        for key, column in averaged.items():
            share = cell.result.scores[key].tokenizer["unknown_share"]
            unknown[column] = max(share, unknown.get(column, 0.0))
    if high := {column: share for column, share in unknown.items() if share > _UNKNOWN}:
        told = ", ".join(f"{column} {share:.0%}" for column, share in high.items())
        found.append(
            f"In the average of {test} are languages of which a tokenizer does not know many "
            f"tokens: {told}."
        )
    rules = {"mlqa_f1", "mlqa_exact"} - {table.metric for table in tables}
    if evaluation.config.qa and rules:
        found.append(f"MLQA has no rules for some language of {test}: no scores by them.")
    return found
