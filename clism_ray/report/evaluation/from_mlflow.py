"""An evaluation whose folder is elsewhere: its cells, from the files that MLflow keeps of them."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clism_ray.errors import InputError
from clism_ray.finetune.cell import ITEMS, RESULT
from clism_ray.report.evaluation.report import CONFIG, report_evaluation
from clism_ray.report.runs import reading, search
from clism_ray.tracking import PARENT

_PLACE = ("model", "form", "size", "sample")  # tags of a cell's run


def report_from(uri: str | None, folder: Path, output: Path, baseline: str | None = None) -> None:
    """`report_evaluation` of a folder, or of the newest evaluation of its name in a store.

    Raises InputError if there is none, or if the store does not have its files.
    """
    if uri is None:
        return report_evaluation(folder, output, baseline)
    with TemporaryDirectory(prefix="clism-") as place:
        fetched = Path(place) / folder.name
        fetch_evaluation(uri, folder.name, fetched)
        report_evaluation(fetched, output, baseline)
    return None


def fetch_evaluation(uri: str, name: str, folder: Path) -> None:
    """Lay out an evaluation as its driver does, with the cells that are done."""
    with reading(uri) as client:
        all_of_them = search(client, "tags.kind = 'evaluation'")
        named = [run for run in all_of_them if name in (run.info.run_name, run.info.run_id)]
        if not named:
            known = ", ".join(dict.fromkeys(str(run.info.run_name) for run in all_of_them))
            raise InputError(f"no evaluation is called {name!r} there; known: {known or 'none'}")
        folder.mkdir(parents=True)
        _fetch(client, named[0], CONFIG, folder)
        cells = search(client, f"tags.`{PARENT}` = '{named[0].info.run_id}'")
        newest: dict[tuple[str, ...], Any] = {}
        for run in cells:  # the newest first
            if run.info.status == "FINISHED":
                newest.setdefault(tuple(run.data.tags[key] for key in _PLACE), run)
        for run in newest.values():
            cell = folder / "cells" / run.info.run_id
            cell.mkdir(parents=True)
            for file in (ITEMS, RESULT):
                _fetch(client, run, file, cell)


def _fetch(client: Any, run: Any, file: str, folder: Path) -> None:
    if file not in {kept.path for kept in client.list_artifacts(run.info.run_id)}:
        raise InputError(
            f"MLflow keeps no {file} of {run.info.run_name!r} ({run.info.run_id}): its driver did "
            "not come to its end; start the evaluation again, which delivers it"
        )
    client.download_artifacts(run.info.run_id, file, str(folder))
