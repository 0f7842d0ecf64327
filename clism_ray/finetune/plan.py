"""Cells before they run: their names, folders and identities, and what is on disk of them."""

import dataclasses
import os
from pathlib import Path
from typing import Any

from clism_ray.config import LengthConfig, OptimizerConfig, defaults, to_tree
from clism_ray.config_tasks import (
    EvaluateConfig,
    FinetuneConfig,
    GoldFile,
    NerConfig,
    QaConfig,
    StartConfig,
)
from clism_ray.finetune.cell import read_result
from clism_ray.finetune.few_shot import train_file
from clism_ray.finetune.place import Place, places
from clism_ray.model.fingerprint import fingerprint, hash_of
from clism_ray.train.run import check_same, with_new_keys

_PLACEMENT = frozenset("name model storage scaling zero tracking export".split())
_DEFAULTS = {  # of what a cell's configuration consists of
    **defaults(FinetuneConfig),
    **{
        key: defaults(kind)
        for key, kind in (
            ("qa", QaConfig),
            ("ner", NerConfig),
            ("optimizer", OptimizerConfig),
            ("length", LengthConfig),
        )
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One fine-tuning to do, or done. Its paths are absolute: workers stand in other folders."""

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
    config = _absolute(config)
    tree = {key: value for key, value in to_tree(config).items() if key not in _PLACEMENT}
    task = config.task
    tree[task_name(config)] |= {
        "train": hash_of(train_file(task.train, config.size, config.sample)),
        "tests": {file.key: hash_of(file.path) for file in test_files(task)},
    }
    identity = {"model": fingerprint(config.model.path, config.model.revision), **tree}
    if known := read_result(folder):
        as_now = with_new_keys(known.identity, identity, _DEFAULTS)
        check_same(f"the cell {folder.name}", folder, as_now, identity)
    return Cell(config=config, model=model, folder=folder, identity=identity)


def test_files(task: QaConfig | NerConfig) -> list[GoldFile]:
    """All test files, set by set, averaged ones first."""
    return [file for test, gold in task.tests.items() for file in gold.files(test)]


def task_name(config: FinetuneConfig) -> str:
    """The name of its task in configurations and results."""
    return "qa" if config.qa else "ner"


def cells_of(config: EvaluateConfig, folder: Path) -> list[Cell]:
    """All cells of an evaluation, in the order of their places."""
    return [
        plan_cell(_cell_config(config, place), place.model, folder / "cells" / str(place))
        for place in places(config)
    ]


def _cell_config(config: EvaluateConfig, place: Place) -> FinetuneConfig:
    entry = config.models[place.model]
    shared = "qa ner precision optimizer batch length export storage scaling zero tracking".split()
    return FinetuneConfig(
        name=f"{config.name}.{place}",
        model=StartConfig(path=entry.path, revision=entry.revision),
        form=place.form,
        size=place.size,
        sample=place.sample,
        seed=place.sample,
        **{key: getattr(config, key) for key in shared},
    )


def _absolute(config: FinetuneConfig) -> FinetuneConfig:
    def absolute(path: str) -> str:
        return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - keeps {names}

    def placed(task: QaConfig | NerConfig) -> Any:
        tests = {
            name: dataclasses.replace(gold, path=absolute(gold.path))
            for name, gold in task.tests.items()
        }
        return dataclasses.replace(task, train=absolute(task.train), tests=tests)

    model = config.model
    if Path(model.path).expanduser().is_dir():
        model = dataclasses.replace(model, path=absolute(model.path))
    return dataclasses.replace(config, model=model, **{task_name(config): placed(config.task)})
