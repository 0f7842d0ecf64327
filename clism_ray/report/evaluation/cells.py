"""The finished cells of an evaluation: read from their folders, and checked to be comparable."""

import itertools
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from clism_ray.config_tasks import EvaluateConfig, GoldFile
from clism_ray.errors import InputError
from clism_ray.finetune.cell import CellResult, Items, read_items, read_result
from clism_ray.finetune.place import Place, places
from clism_ray.finetune.plan import test_files

_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredCell:
    """A finished cell, with the scores of all test items."""

    folder: Path
    result: CellResult
    items: Mapping[str, Items]  # by `<test>/<column>`

    @property
    def place(self) -> Place:
        """Where it stands in the grid."""
        result = self.result
        return Place(result.model, result.form, result.size, result.sample)

    def series(self, key: str) -> Items:
        """Metric -> I scores, or I x 3 counts of entities of which `ner_scores.f1` makes one.

        Of entities, `f1` takes all types together (micro), `f1/<type>` one of them.
        """
        items = self.items[key]
        if "counts" not in items:
            return items
        counts_IK3 = items["counts"]
        metrics = self.result.scores[key].metrics
        types = [name for name in metrics if name.startswith("f1/")]
        return {"f1": counts_IK3.sum(1)} | {
            name: counts_IK3[:, number] for number, name in enumerate(types)
        }


class Found(NamedTuple):
    """What lies in the folder of an evaluation."""

    cells: tuple[ScoredCell, ...]  # in the grid's order
    missing: tuple[Place, ...]
    strays: tuple[str, ...]  # finished cells that the configuration does not ask for


def load_cells(folder: Path, config: EvaluateConfig) -> Found:
    """Read all cells; InputError if one cannot be read, or cannot be compared with the others."""
    wanted = places(config)
    found: dict[Place, ScoredCell] = {}
    strays = []
    for path in sorted((folder / "cells").glob("*/")):
        cell = _read(path)
        if cell is None:
            continue
        if cell.place not in wanted:
            strays.append(path.name)
        elif cell.place in found:
            raise InputError(
                f"{path} and {found[cell.place].folder}: both hold the cell {cell.place}; "
                "remove one"
            )
        else:
            found[cell.place] = cell
    cells = tuple(found[place] for place in wanted if place in found)
    check_tests(cells, test_files(config.task))
    _check_samples(cells)
    missing = tuple(place for place in wanted if place not in found)
    return Found(cells, missing, tuple(strays))


def check_tests(cells: Sequence[ScoredCell], files: Iterable[GoldFile]) -> None:
    """InputError unless every cell has scores of each file, all of the same content."""
    for file, cell in itertools.product(files, cells):
        first = cells[0]
        if file.key not in cell.result.scores or file.key not in cell.items:
            raise InputError(
                f"{cell.folder}: has no scores of {file.key}, which the evaluation asks for; "
                "remove the folder and evaluate again"
            )
        ours, theirs = (one.result.scores[file.key] for one in (cell, first))
        if ours.sha256 != theirs.sha256:
            raise InputError(
                f"{file.key}: the cell {cell.place} was tested on another file than {first.place} "
                f"(sha256 {ours.sha256[:12]} and {theirs.sha256[:12]}); scores of different items "
                "cannot be compared: remove the cells of one and evaluate again"
            )
        lengths = {len(scores) for scores in cell.items[file.key].values()}
        if lengths != {theirs.items}:
            raise InputError(
                f"{cell.folder}: scores of {sorted(lengths)} items of {file.key}, which has "
                f"{theirs.items}; remove the folder and evaluate again"
            )


def _check_samples(cells: Sequence[ScoredCell]) -> None:
    first: dict[tuple[int | None, int], ScoredCell] = {}
    for cell in cells:
        other = first.setdefault((cell.place.size, cell.place.sample), cell)
        ours, theirs = ((one.result.train.sha256, one.result.train.ids) for one in (cell, other))
        if ours != theirs:
            raise InputError(
                f"the cells {cell.place} and {other.place} were trained on different examples "
                f"({ours[1]} and {theirs[1]}); remove the cells of one and evaluate again"
            )


def _read(folder: Path) -> ScoredCell | None:
    try:
        result = read_result(folder)
        if result is None:
            return None
        return ScoredCell(folder=folder, result=result, items=read_items(folder))
    except _DAMAGE as error:
        raise InputError(
            f"{folder}: cannot read the cell ({type(error).__name__}: {error}); remove the folder "
            "and evaluate again"
        ) from error
