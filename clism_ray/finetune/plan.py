"""Cells before they run: their names, folders and identities, checked against what is on disk."""

import dataclasses
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clism_ray.config import ModelConfig, to_tree
from clism_ray.config_tasks import (
    EntryConfig,
    EvaluateConfig,
    FinetuneConfig,
    Form,
    NerConfig,
    QaConfig,
    StartConfig,
)
from clism_ray.corpus.manifest import file_sha256
from clism_ray.errors import InputError
from clism_ray.finetune import ner, qa
from clism_ray.finetune.cell import read_result
from clism_ray.finetune.few_shot import train_file
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.encoder import check_start
from clism_ray.train.run import check_same

_PLACEMENT = frozenset("name model storage scaling zero tracking export".split())
_WEIGHTS = (".safetensors", ".bin", ".json", ".model", ".txt")  # and tokenizers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One fine-tuning to do, or done."""

    config: FinetuneConfig
    model: str  # its name in results
    folder: Path
    identity: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether its result is on disk."""
        return read_result(self.folder) is not None


def plan_cell(config: FinetuneConfig, model: str, folder: Path) -> Cell:
    """A cell with its identity.

    Raises InputError if a file it names is not there, or if its folder holds another cell.
    """
    tree = {key: value for key, value in to_tree(config).items() if key not in _PLACEMENT}
    task = config.task
    name = "qa" if config.qa else "ner"
    files = [file for test, gold in task.tests.items() for file in gold.files(test)]
    tree[name] |= {
        "train": _hash_of(train_file(task.train, config.size, config.sample)),
        "tests": {file.key: _hash_of(file.path) for file in files},
    }
    identity = {"model": fingerprint(config.model), **tree}
    if known := read_result(folder):
        check_same(f"the cell {folder.name}", folder, known.identity, identity)
    return Cell(config=config, model=model, folder=folder, identity=identity)


def cells_of(config: EvaluateConfig, folder: Path) -> list[Cell]:
    """All cells of an evaluation; a sample of every model comes before the next sample."""
    return [
        plan_cell(
            _cell_config(config, entry, form, size, sample),
            name,
            folder / "cells" / _name(name, form, size, sample),
        )
        for size, sample in itertools.product(config.sizes, config.samples)
        for name, entry in config.models.items()
        for form in entry.forms
    ]


def check_cells(cells: Sequence[Cell]) -> None:
    """Open each model, training sample and test file once; InputError for what cells would meet."""
    for model in {cell.config.model for cell in cells}:
        load_tokenizer(model.path, model.revision)
        start = ModelConfig(start=model.path, revision=model.revision)
        check_start(start, cells[0].config.task.max_tokens, "max_tokens of a window")
    for size, sample in {(cell.config.size, cell.config.sample) for cell in cells}:
        check_data(cells[0].config.task, size, sample)


def check_data(task: QaConfig | NerConfig, size: int | None, sample: int) -> None:
    """Read a training sample and all test files; InputError for what a cell would meet."""
    if isinstance(task, QaConfig):
        qa.read_train(task, size, sample)
    else:
        ner.read_train(task, size, sample)
    for test, gold in task.tests.items():
        for file in gold.files(test):
            if isinstance(task, QaConfig):
                qa.check_test(file)
            else:
                ner.check_test(file, task)


def fingerprint(model: StartConfig) -> str:
    """What names a model's weights and tokenizer: hashes of its files, or its pinned hub name."""
    folder = Path(model.path).expanduser()
    if not folder.is_dir():
        return f"{model.path}@{model.revision or 'main'}"
    files = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHTS)
    text = "\n".join(f"{path.name} {file_sha256(path)}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _name(model: str, form: Form, size: int | None, sample: int) -> str:
    return f"{model}.{form}.{size or 'all'}.{sample}"


def _cell_config(
    config: EvaluateConfig, entry: EntryConfig, form: Form, size: int | None, sample: int
) -> FinetuneConfig:
    name = next(name for name, one in config.models.items() if one is entry)
    return FinetuneConfig(
        name=f"{config.name}.{_name(name, form, size, sample)}",
        model=StartConfig(path=entry.path, revision=entry.revision),
        form=form,
        qa=config.qa,
        ner=config.ner,
        size=size,
        sample=sample,
        seed=sample,
        precision=config.precision,
        optimizer=config.optimizer,
        batch=config.batch,
        length=config.length,
        export=config.export,
        storage=config.storage,
        scaling=config.scaling,
        zero=config.zero,
        tracking=config.tracking,
    )


def _hash_of(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    return file_sha256(path)
