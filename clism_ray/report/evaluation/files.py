"""The tables of an evaluation for programs: CSV, a line per value, and JSON."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from clism_ray.finetune.place import size_label
from clism_ray.report.evaluation.notes import notes
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.tables import Table, is_real
from clism_ray.report.evaluation.words import sentences
from clism_ray.tasks.significance import AVERAGE

COLUMNS = (
    *("test", "metric", "size", "model", "form", "column", "value", "low", "high"),
    *("difference", "diff_low", "diff_high", "p", "p_holm", "samples", "items"),
    *("averaged", "counts", "real"),
)


def to_csv(evaluation: Evaluation) -> str:
    """Every score of every form; differences of those that count."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(evaluation):
        writer.writerow(row | {"size": size_label(row["size"])})
    return file.getvalue()


def to_json(evaluation: Evaluation) -> str:
    """The same rows, with what is said of them."""
    config = evaluation.config
    tree = {
        "evaluation": config.name,
        "baseline": config.baseline,
        "confidence": config.confidence,
        "resamples": config.resamples,
        "cells": {"finished": len(evaluation.cells), "planned": evaluation.planned},
        "missing": [place._asdict() for place in evaluation.missing],
        "sentences": sentences(evaluation),
        "notes": notes(evaluation),
        "rows": list(rows(evaluation)),
    }
    return json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def rows(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """A row for each score, by the names of `COLUMNS`; None where there is no difference.

    `averaged` is false for columns that are in no average, and empty for the average itself;
    `items` of an average is the sum; `counts` is false for a form that another one of the model
    outdoes.
    """
    for table in evaluation.tables:
        yield from _rows(table, evaluation.config.confidence)


def _rows(table: Table, confidence: float) -> Iterator[dict[str, Any]]:
    in_average = dict.fromkeys(table.averaged, True) | dict.fromkeys(table.shown, False)
    items = dict(table.items)
    items[AVERAGE] = sum(table.items[column] for column in table.averaged)
    for line in table.lines:
        for column, score in line.scores.items():
            told = line.differences.get(column)
            values = (
                *(table.test, table.metric, table.size, line.model, line.form, column, *score),
                *(told or (None,) * 5),
                *(len(table.samples), items[column], in_average.get(column), line.counts),
                None if told is None else is_real(told, confidence),
            )
            yield dict(zip(COLUMNS, values, strict=True))
