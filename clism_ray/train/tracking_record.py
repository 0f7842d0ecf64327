"""What is remembered on disk of a run's place in MLflow: `tracking.json` in its folder.

`key`, by which the run is found in the store, and `began`, both there before the store is asked;
`mlflow_run` once it has answered; `delivered` or `problem` for a cell that MLflow has all of.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from clism_ray.config import PretrainConfig, TrackingConfig
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig
from clism_ray.passwords import masked

TrackedT = TypeVar("TrackedT", PretrainConfig, FinetuneConfig, EvaluateConfig)

TRACKING = "tracking.json"


def read_tracking(folder: Path) -> dict[str, Any]:
    """The record of the run in this folder; empty if MLflow was never asked."""
    path = folder / TRACKING
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return known


def default_uri(storage: Path) -> str:
    """The store used when none is configured."""
    return f"sqlite:///{storage / 'mlflow.db'}"


def keepable(config: TrackedT) -> TrackedT:
    """A configuration as it may be kept and shown: without the password of its store."""
    settings: TrackingConfig = config.tracking
    if settings.uri is None:
        return config
    shown = dataclasses.replace(settings, uri=masked(settings.uri))
    return dataclasses.replace(config, tracking=shown)
