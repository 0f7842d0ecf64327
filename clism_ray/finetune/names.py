"""The names that a cell's scores are tracked by.

`test/xquad/squad_f1/de` for a column of a test set, `test/xquad/squad_f1` for the mean of those
that are averaged, if all of them have such a score.
"""

from statistics import fmean

from clism_ray.config_tasks import NerConfig, QaConfig
from clism_ray.finetune.cell import CellResult

LOSS = "test/loss"  # of the last step, whatever the task
_QA = ("squad_f1", "squad_exact", "mlqa_f1", "mlqa_exact")
_NER = ("f1", "precision", "recall")


def result_metrics(result: CellResult) -> dict[str, float]:
    """The scores of a cell by name."""
    metrics = {LOSS: result.loss}
    averaged: dict[str, list[dict[str, float]]] = {}
    for score in result.scores.values():
        for name, value in score.metrics.items():
            metrics[f"test/{score.test}/{name}/{score.column}"] = value
        if score.averaged:
            averaged.setdefault(score.test, []).append(score.metrics)
    for test, columns in averaged.items():
        for name in columns[0]:
            if all(name in column for column in columns):
                metrics[f"test/{test}/{name}"] = fmean(column[name] for column in columns)
    return metrics


def metric_names(task: QaConfig | NerConfig) -> list[str]:
    """The names that every cell of a task has, whatever entities it finds."""
    known = _NER if isinstance(task, NerConfig) else _QA
    names = [LOSS]
    for test, gold in task.tests.items():
        columns = [file.column for file in gold.files(test)]
        names += [f"test/{test}/{name}/{column}" for column in columns for name in known]
        names += [f"test/{test}/{name}" for name in known]
    return names
