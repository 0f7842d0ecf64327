"""The names that scores of cells are tracked by."""

from clism_ray.config_file import parse
from clism_ray.config_tasks import QaConfig
from clism_ray.finetune.cell import CellResult, Examples, Score
from clism_ray.finetune.names import metric_names, result_metrics

TASK = {
    "train": "x",
    "tests": {"xquad": {"path": "x.{language}", "languages": ["de", "ru"], "shown": ["es"]}},
}


def score(language: str, averaged: bool, **metrics: float) -> Score:
    return Score(
        test="xquad",
        language=language,
        column=language,
        averaged=averaged,
        file="x",
        sha256="x",
        items=1,
        metrics=metrics,
        counts={},
        tokenizer={},
    )


def result(*scores: Score) -> CellResult:
    return CellResult(
        name="x",
        task="qa",
        model="x",
        form="plain",
        size=1,
        sample=1,
        seed=1,
        identity={},
        identity_hash="x",
        train=Examples(file="x", sha256="x", examples=1, ids="x", counts={}),
        steps=1,
        loss=0.5,
        head="drawn",
        seconds=1.0,
        scores={f"xquad/{each.language}": each for each in scores},
    )


def test_a_mean_is_of_all_languages_that_are_averaged_or_there_is_none() -> None:
    found = result_metrics(
        result(
            score("de", True, squad_f1=60.0, mlqa_f1=61.0),
            score("ru", True, squad_f1=40.0),
            score("es", False, squad_f1=10.0, mlqa_f1=11.0),
        )
    )
    assert found == {
        "test/loss": 0.5,
        "test/xquad/squad_f1/de": 60.0,
        "test/xquad/squad_f1/ru": 40.0,
        "test/xquad/squad_f1/es": 10.0,
        "test/xquad/squad_f1": 50.0,
        "test/xquad/mlqa_f1/de": 61.0,
        "test/xquad/mlqa_f1/es": 11.0,
    }
    assert set(found) < set(metric_names(parse(QaConfig, TASK)))


def test_the_names_that_are_known_before_are_those_that_come() -> None:
    known = metric_names(parse(QaConfig, TASK))
    assert "test/xquad/mlqa_f1/de" in known
    assert "test/xquad/mlqa_f1" in known
    assert len(known) == len(set(known))
