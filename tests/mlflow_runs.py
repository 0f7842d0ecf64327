"""Runs as they are begun in an MLflow store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clism_ray.tracked_run import NewRun


def new_run(
    name: str, folder: Path, parameters: Mapping[str, Any], tags: Mapping[str, str]
) -> NewRun:
    """A run whose folder is made below `folder`."""
    (folder / name).mkdir(exist_ok=True)
    return NewRun(
        name=name,
        experiment="clism",
        artefacts=folder / "mlflow",
        folder=folder / name,
        parameters=parameters,
        tags=tags,
    )
