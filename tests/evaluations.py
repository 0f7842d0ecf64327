"""Folders of evaluations as their driver leaves them, with scores whose truth is known."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clism_ray.config_file import parse, to_yaml
from clism_ray.config_tasks import EvaluateConfig, GoldFile
from clism_ray.finetune.cell import IDS, PARTS, CellResult, Examples, Items, Score, write_result
from clism_ray.finetune.place import Place, places

ITEMS = 200
TYPES = ("LOC", "ORG", "PER")

Scorer = Callable[[Place, GoldFile, np.random.Generator], Items]


def config(name: str = "few", *, ner: bool = False, **given: Any) -> EvaluateConfig:
    """Two models, `base` and `ours`, on two samples; whatever is given stands over that."""
    test = {"path": "xquad.{language}.json", "languages": ["en", "de"], "parallel": True}
    task: dict[str, Any] = {"train": "train", "tests": given.pop("tests", {"xquad": test})}
    if ner:
        task["format"] = "uner"
    tree = {
        "name": name,
        "models": {"base": {"path": "base"}, "ours": {"path": "ours"}},
        "baseline": "base",
        "ner" if ner else "qa": task,
        "sizes": [64],
        "samples": [1, 2],
        "optimizer": {"learning_rate": 1e-3},
        "length": {"steps": 10},
        "resamples": 300,
    }
    return parse(EvaluateConfig, tree | given)


def answers(gains: dict[str, float], mlqa: bool = True) -> Scorer:
    """Questions: F1 of about 50 + the gain of a model, `ours` or `ours.plain`; EM half of it."""

    def score(place: Place, file: GoldFile, random: np.random.Generator) -> Items:
        gain = gains.get(f"{place.model}.{place.form}", gains.get(place.model, 0.0))
        difficulty = generator(file.key).normal(50, 15, ITEMS)
        f1 = np.clip(difficulty + gain + random.normal(0, 8, ITEMS), 0, 100)
        both = {"squad_exact": f1 / 2, "squad_f1": f1}
        return both | ({"mlqa_exact": f1 / 2 + 1, "mlqa_f1": f1 + 1} if mlqa else {})

    return score


def entities(chances: dict[str, float]) -> Scorer:
    """Sentences: how likely a model is to find an entity, and as likely to invent none."""

    def score(place: Place, file: GoldFile, random: np.random.Generator) -> Items:
        chance = chances[place.model]
        gold = generator(file.key).poisson(0.5, (ITEMS, len(TYPES)))
        found = random.binomial(gold, chance)
        predicted = found + random.binomial(gold + 1, 1 - chance)
        return {"counts": np.stack([found, predicted, gold], -1)}

    return score


def generator(text: str) -> np.random.Generator:
    """Random numbers that a text names."""
    return np.random.default_rng(zlib.crc32(text.encode()))


def build(
    storage: Path,
    config: EvaluateConfig,
    scorer: Scorer,
    leave_out: Callable[[Place], bool] = lambda place: False,
) -> Path:
    """Write all cells of an evaluation, but for those left out; the evaluation's folder."""
    folder = storage / "evaluations" / config.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.yaml").write_text(to_yaml(config))
    for place in places(config):
        if not leave_out(place):
            write_cell(folder / "cells" / str(place), config, place, scorer)
    return folder


def write_cell(folder: Path, config: EvaluateConfig, place: Place, scorer: Scorer) -> None:
    """Write one cell."""
    scores, items = {}, {}
    for test, gold in config.task.tests.items():
        for file in gold.files(test):
            found = scorer(place, file, generator(f"{place} {file.key}"))
            names = np.array([f"q{number}" for number in range(ITEMS)])
            items[file.key] = {IDS: names, PARTS: np.arange(ITEMS), **found}
            scores[file.key] = _score(file, found)
    name = f"{config.name}.{place}"
    train = Examples(
        file="train.json",
        sha256="7" * 64,
        examples=place.size or 5000,
        ids=f"{place.size}-{place.sample}",
        counts={"answers_moved": 1, "answers_unplaced": 0, "windows": 70 + len(place.model)},
    )
    result = CellResult(
        name=name, task="qa" if config.qa else "ner", model=place.model, form=place.form,
        size=place.size, sample=place.sample, seed=place.sample, identity={}, train=train,
        identity_hash="1d" * 8, steps=10, loss=0.5, seconds=30.0, scores=scores, head="pre-trained",
    )  # fmt: skip
    said = {key: {"q1": "an answer"} for key in items}
    write_result(folder, result, items, said)


def _score(file: GoldFile, items: Items) -> Score:
    if "counts" in items:
        metrics = {"f1": 0.0, "precision": 0.0, "recall": 0.0}
        metrics |= {f"f1/{kind}": 0.0 for kind in TYPES}
    else:
        metrics = {name: float(values.mean()) for name, values in items.items()}
    return Score(
        test=file.test, language=file.language, column=file.column, averaged=file.averaged,
        file=file.path.name, sha256=f"{zlib.crc32(file.key.encode()):064x}",
        items=len(next(iter(items.values()))), metrics=metrics, counts={"questions_cut": 2},
        tokenizer={"unknown_share": 0.0 if file.averaged else 0.34, "tokens_per_word": 1.5},
    )  # fmt: skip
