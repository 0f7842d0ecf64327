"""A run's place in an MLflow store: found there by id or by key, or made."""

import dataclasses
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import LifecycleStage, Param, RunStatus, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from clism_ray.config import leaves
from clism_ray.passwords import masked
from clism_ray.store import ExperimentDeleted, Store, StoreFailed
from clism_ray.train.run import write_json
from clism_ray.train.tracking_record import TRACKING, read_tracking

_KEY_TAG = "clism_ray.key"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewRun:
    """What a run is made with when the store does not have it yet."""

    name: str
    experiment: str
    artefacts: Path  # where a new experiment of a local store keeps its files
    folder: Path  # of the run on disk
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]


def open_run(store: Store, new: NewRun, run_id: str | None) -> tuple[str, dict[str, int]]:
    """The id of the run, ready to be written to, and the last step it has of each metric.

    It is `run_id`, or else the one that an earlier try made, perhaps without hearing of it, or a
    new one. Raises StoreFailed.
    """
    known = read_tracking(new.folder)
    if "key" not in known:
        known = change_tracking(new.folder, key=uuid.uuid4().hex, began=time.time_ns() // 1_000_000)
    run = store.ask(lambda client: _find(client, run_id)) if run_id else None
    if run is None:
        run = store.ask(lambda client: _make(client, store.uri, new, known["key"], known["began"]))
    found = str(run.info.run_id)
    store.ask(lambda client: _complete(client, run, flatten(new.parameters)))
    change_tracking(new.folder, mlflow_run=found)
    return found, {point.key: point.step for point in run.data.to_proto().metrics}


def change_tracking(folder: Path, **changes: Any) -> dict[str, Any]:
    """Remember more of a run's place in MLflow.

    Raises StoreFailed if that cannot be written: without it nothing is to be sent.
    """
    known = read_tracking(folder) | changes
    try:
        write_json(folder / TRACKING, known)
    except OSError as error:
        path, why = folder / TRACKING, error.strerror or error
        raise StoreFailed(f"{path} cannot be written: {why}") from error
    return known


def _find(client: MlflowClient, run_id: str) -> Any:
    """The run of this id, if it is there to go on with."""
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return None
        raise
    return run if run.info.lifecycle_stage == LifecycleStage.ACTIVE else None


def _make(client: MlflowClient, uri: str, new: NewRun, key: str, began: int) -> Any:
    """The run of this key: a try whose answer was lost may have made it."""
    experiment = client.get_experiment_by_name(new.experiment)
    if experiment and experiment.lifecycle_stage == LifecycleStage.DELETED:
        raise ExperimentDeleted(
            f"tracking.experiment {new.experiment!r} was deleted in MLflow; `mlflow experiments "
            f"restore --experiment-id {experiment.experiment_id}` brings it back with its runs, "
            "and tracking.experiment=... takes another"
        )
    place = new.artefacts.as_uri() if uri.startswith("sqlite:") else None
    at = (
        str(experiment.experiment_id)
        if experiment
        else client.create_experiment(new.experiment, place)
    )
    condition = f"tags.`{_KEY_TAG}` = '{key}'"
    made = client.search_runs([at], condition, ViewType.ACTIVE_ONLY, max_results=1)
    tags = {**new.tags, _KEY_TAG: key}
    return made[0] if made else client.create_run(at, began, tags, new.name)


def _complete(client: MlflowClient, run: Any, parameters: Mapping[str, str]) -> None:
    """Give the run the parameters that it lacks, and let it run."""
    missing = [Param(key, parameters[key]) for key in parameters if key not in run.data.params]
    client.log_batch(run.info.run_id, params=missing)
    running = RunStatus.to_string(RunStatus.RUNNING)
    if run.info.status != running:
        client.update_run(run.info.run_id, status=running)


def flatten(tree: Mapping[str, Any]) -> dict[str, str]:
    """Dotted keys and their values as text, without the passwords in it."""
    return {
        key: masked(value if isinstance(value, str) else json.dumps(value))
        for key, value in leaves(tree).items()
    }
