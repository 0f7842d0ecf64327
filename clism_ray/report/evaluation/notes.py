"""What a reader must know before believing the tables of an evaluation."""

from clism_ray.finetune.cell import problem_of
from clism_ray.finetune.pretraining import ROWS
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.tables import compared
from clism_ray.report.evaluation.words import joined, listed, runs_word, size_words
from clism_ray.tasks.qa_metrics import MLQA_LANGUAGES

_UNKNOWN = 0.05  # share of unknown tokens from which on a language's score says little


def notes(evaluation: Evaluation) -> list[str]:
    """What a reader must know before believing the tables."""
    config = evaluation.config
    found = [_unfinished(evaluation)] if evaluation.missing else []
    found += [note for size in config.sizes if (note := _samples(evaluation, size))]
    found += _few_samples(evaluation)
    counting = {(line.model, line.form) for table in evaluation.tables for line in table.counting()}
    drawn = {c.place[:2] for c in evaluation.cells if c.result.head != "pre-trained"} & counting
    if config.qa and drawn:
        found.append(
            "Not pre-trained, but drawn, is the head that answers of: "
            f"{listed((f'{model} ({form})' for model, form in sorted(drawn)), 'models')}."
        )
    numbers = {name: len(entry.forms) for name, entry in config.models.items()}
    if max(numbers.values()) > 1:
        told = ", ".join(f"{name} {number}" for name, number in numbers.items())
        found.append(
            "Of a model's forms the better one counts, chosen by the averages that are shown here. "
            "That favours models that were tried in more forms, and intervals do not account for "
            f"it. Forms tried: {told}."
        )
    found += _one_pretraining(evaluation)
    found += _other_rows(evaluation)
    found += [note for test in config.task.tests for note in _of_test(evaluation, test)]
    if evaluation.strays:
        found.append(
            f"Not part of this grid, and not counted: {listed(evaluation.strays, 'cells')}."
        )
    return found


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
        f"With {size_words(size)}, {number} of {wanted} {runs_word([size])}s are compared: those "
        f"that every "
        f"model in the table has finished.{without}"
    )


def _one_pretraining(evaluation: Evaluation) -> list[str]:
    """That intervals know of one pre-training of each model alone."""
    models = {cell.place.model for cell in evaluation.cells if cell.result.pretraining}
    if not models:
        return []
    return [
        f"Pre-trained once, with one seed: {joined(sorted(models))}. Intervals do not account for "
        "what another pre-training would give."
    ]


def _other_rows(evaluation: Evaluation) -> list[str]:
    """Which models saw other rows in pre-training than the baseline, and how that came."""
    known = {c.place.model: told for c in evaluation.cells if (told := c.result.pretraining)}
    baseline = evaluation.config.baseline
    base = known.pop(baseline, None)
    # A result of an earlier version may lack some of them.
    return [
        f"{model} and {baseline} were not pre-trained on the same rows in the same order: they "
        f"differ in {joined(differing)}."
        for model, told in known.items()
        if base and (differing := [name for name in ROWS if told.get(name) != base.get(name)])
    ]


def _few_samples(evaluation: Evaluation) -> list[str]:
    """What few repetitions do to intervals."""
    numbers = {(len(table.samples), runs_word([table.size])) for table in evaluation.tables}
    found = []
    for number, word in sorted(numbers):
        if number == 1:
            others = {"seed": "seed", "sample": "sample of training examples or another seed"}[word]
            found.append(
                f"One {word} only: intervals are over test items, and say nothing of what another "
                f"{others} would change."
            )
        if number == 2 and evaluation.config.confidence == 0.95:
            found.append(
                f"Two {word}s only: simulated, such intervals of 95 % hold the truth 87 to 96 "
                f"times in 100, those of three {word}s 92 to 97."
            )
    return found


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
    languages = {file.language for file in evaluation.config.task.tests[test].files(test)}
    others = sorted(one for one in languages if one.partition("-")[0] not in MLQA_LANGUAGES)
    if evaluation.config.qa and others:
        found.append(
            f"MLQA has no rules for {', '.join(others)}: punctuation goes, articles stay, and in "
            "scripts without spaces every letter is a word."
        )
    return found
