"""Settings of fine-tuning and evaluation: paths are filled in, contradictions refused."""

from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_file import parse
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig, GoldConfig, filled
from clism_ray.errors import InputError

XQUAD = {"path": "xquad.{language}.json", "languages": ["en", "de"]}
QA: dict[str, Any] = {"train": "squad.{size}.{sample}.jsonl", "tests": {"xquad": XQUAD}}
CELL: dict[str, Any] = {
    "name": "cell",
    "model": {"path": "encoder"},
    "qa": QA,
    "size": 64,
    "optimizer": {"learning_rate": 1e-3},
    "length": {"steps": 5},
}
GRID: dict[str, Any] = {
    "name": "grid",
    "models": {"ours": {"path": "a"}, "theirs": {"path": "b", "forms": ["plain"]}},
    "baseline": "theirs",
    "qa": QA,
    "sizes": [64],
    "samples": [1, 2],
    "optimizer": {"learning_rate": 1e-3},
    "length": {"steps": 5},
}


def test_a_test_set_names_a_file_for_each_language_and_question_language() -> None:
    gold = GoldConfig(
        path="{language}/{question_language}.json",
        languages=("de", "es"),
        shown=("zh",),
        question_languages=("en", "hi"),
    )
    files = gold.files("mlqa")
    assert [file.key for file in files[:3]] == ["mlqa/de-en", "mlqa/de-hi", "mlqa/es-en"]
    assert [file.path for file in files[-2:]] == [Path("zh/en.json"), Path("zh/hi.json")]
    assert [file.averaged for file in files] == [True] * 4 + [False] * 2


def test_only_names_in_braces_are_filled_in() -> None:
    assert filled("{size}/{sample}/x", size=3, sample=4) == Path("3/4/x")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ner": {"train": "a", "tests": QA["tests"], "format": "uner"}}, "exactly one of qa"),
        ({"qa": None}, "exactly one of qa"),
        ({"size": None}, "give size"),
        ({"zero": {"stage": 3}}, "stage 0, 1 or 2"),
        ({"qa": {**QA, "train": "squad.{size}.jsonl"}}, r"no \{sample\}"),
        ({"qa": {**QA, "train": "squad.{seed}.jsonl"}}, r"\{seed\} is filled in by nothing"),
        ({"qa": {**QA, "tests": {"x": {"path": "x.json", "languages": ["en"]}}}}, r"\{language\}"),
        ({"modle": {}}, "did you mean model"),
        ({"scaling": {"workers": 2, "min_workers": 1}}, "min_workers is for pre-training"),
        (
            {"qa": {**QA, "tests": {"x": {**XQUAD, "languages": ["en", "en"]}}}},
            "shown holds a value",
        ),
        ({"qa": {**QA, "tests": {"x": {**XQUAD, "shown": ["hi", "hi"]}}}}, "shown holds a value"),
    ],
)
def test_a_cell_that_contradicts_itself_is_refused(changes: dict[str, Any], told: str) -> None:
    parse(FinetuneConfig, CELL)
    with pytest.raises(InputError, match=told):
        parse(FinetuneConfig, {**CELL, **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"baseline": "nobody"}, "none of the models: ours, theirs"),
        ({"samples": [1, 1]}, "samples holds a value twice"),
        ({"scaling": {"workers": 2, "min_workers": 1}}, "min_workers is for pre-training"),
        (
            {"models": {"theirs": {"path": "b", "forms": ["plain", "plain"]}}},
            "forms holds a value twice",
        ),
        ({"sizes": []}, "at least 1"),
        ({"sizes": [64, None]}, "give sizes"),
    ],
)
def test_an_evaluation_that_contradicts_itself_is_refused(
    changes: dict[str, Any], told: str
) -> None:
    parse(EvaluateConfig, GRID)
    with pytest.raises(InputError, match=told):
        parse(EvaluateConfig, {**GRID, **changes})
