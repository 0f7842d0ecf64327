"""A cell on disk: what it was, what it was trained on, what it scored.

<cell>/
    result.json          `CellResult`; the cell is done when this is there
    items.npz            scores of each test item, `<test>/<column>:<name>`
    problem.json         why it failed, the last time it did
    predictions/         <test>.<column>.json: what the model said to each item
    config.yaml          the configuration of the cell
    begun.json           the identity of its latest start
    journal.jsonl        its losses by step
    model/               the fine-tuned model, where it is kept
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clism_ray.config_tasks import Form
from clism_ray.errors import InputError
from clism_ray.train.run import write_json

RESULT = "result.json"
PROBLEM = "problem.json"
BEGUN = "begun.json"
MODEL = "model"
PREDICTIONS = "predictions"
IDS = "ids"  # among a test's items, their names
PARTS = "parts"  # of which passage or document of the test file each item is
_NAMES = (IDS, PARTS)
ITEMS = "items.npz"

Items = dict[str, NDArray[Any]]  # name -> scores, counts, `IDS` or `PARTS`; first axis: the items


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examples:
    """What a cell was trained on."""

    file: str
    sha256: str
    examples: int
    ids: str  # see `few_shot.ids_hash`
    counts: dict[str, int]  # repairs, windows, whatever did not fit


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score:
    """A cell on one test file."""

    test: str
    language: str
    column: str  # the language, or `de-es` for German passages with Spanish questions
    averaged: bool
    file: str
    sha256: str
    items: int
    metrics: dict[str, float]  # in per cent
    counts: dict[str, int]
    tokenizer: dict[str, float]  # unknown_share, tokens_per_word


@dataclasses.dataclass(frozen=True, kw_only=True)
class CellResult:
    """What became of a cell."""

    name: str
    task: str  # qa or ner
    model: str  # its name in the evaluation, or where it is
    form: Form
    size: int | None
    sample: int
    seed: int
    identity: dict[str, Any]
    identity_hash: str
    train: Examples
    steps: int
    loss: float  # of the last step
    head: str  # pre-trained, or drawn
    seconds: float
    scores: dict[str, Score]  # by `<test>/<column>`
    pretraining: dict[str, Any] | None = None  # of its start; see `pretraining`


def read_result(folder: Path) -> CellResult | None:
    """The result of a cell, None if it is not done; InputError if it is damaged."""
    path = folder / RESULT
    if not path.is_file():
        return None
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        scores = {key: Score(**score) for key, score in tree["scores"].items()}
        return CellResult(**{**tree, "train": Examples(**tree["train"]), "scores": scores})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); remove the folder, and the "
            "cell runs again"
        ) from error


def problem_of(folder: Path) -> str | None:
    """Why a cell failed the last time; None if it did not."""
    path = folder / PROBLEM
    return str(json.loads(path.read_text("utf-8"))["problem"]) if path.is_file() else None


def write_result(
    folder: Path,
    result: CellResult,
    items: Mapping[str, Items],
    predictions: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write what a cell found, `result.json` last.

    Args:
        folder: of the cell.
        result: its summary.
        items: test file's key -> scores of its items.
        predictions: test file's key -> what the model said, by item.
    """
    (folder / PREDICTIONS).mkdir(parents=True, exist_ok=True)
    for key, said in predictions.items():
        write_json(folder / PREDICTIONS / f"{key.replace('/', '.')}.json", dict(said))
    flat = {
        f"{key}:{name}": values for key, named in items.items() for name, values in named.items()
    }
    temporary = folder / f"items.partial.{os.getpid()}.npz"
    np.savez_compressed(temporary, allow_pickle=False, **flat)
    temporary.rename(folder / ITEMS)
    write_json(folder / RESULT, dataclasses.asdict(result))


def read_items(folder: Path, *, names: bool = False) -> dict[str, Items]:
    """The scores of each test item, by test file's key and name; or their `IDS` and `PARTS`."""
    found: dict[str, Items] = {}
    # NumPy leaves a file open that it opened itself and finds damaged.
    with (folder / ITEMS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        for flat in arrays.files:
            key, _, name = flat.rpartition(":")
            if (name in _NAMES) == names:
                found.setdefault(key, {})[name] = arrays[flat]
    return found
