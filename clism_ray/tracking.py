"""MLflow: one run per training run, kept across restarts; its metrics, artefacts and tags.

Everything goes through an explicit client and run id: nothing is "active", nothing is global.
Only the driver calls this, so a SQLite store has one writer.
"""

import dataclasses
import json
import logging
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from mlflow.entities import LifecycleStage, Metric, Param, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient
from mlflow.utils.git_utils import get_git_commit
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import SQLAlchemyError

from clism_ray.config import PretrainConfig, TrackingConfig, leaves
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig
from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.train.journal import Entry
from clism_ray.train.status import FAILED, FINISHED, STOPPED, STOPPED_EARLY

TrackedT = TypeVar("TrackedT", PretrainConfig, FinetuneConfig, EvaluateConfig)

PARENT = MLFLOW_PARENT_RUN_ID  # the tag that makes a run another one's child
STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError)  # requests' own are OSErrors
_ENDS = {
    FINISHED: RunStatus.FINISHED,
    STOPPED: RunStatus.KILLED,
    STOPPED_EARLY: RunStatus.KILLED,
    FAILED: RunStatus.FAILED,
}
_MARKS = {"train": "loss/total", "validation": "validation/loss/total", "test": "test/loss"}
_BATCH = 500  # metrics of one request; MLflow takes up to 1000


class Tracker:
    """A client and the run it writes to."""

    def __init__(self, uri: str, run_id: str) -> None:
        self.client = MlflowClient(tracking_uri=uri)
        self.uri = uri
        self.run_id = run_id
        self.delivered: dict[str, int] = {
            kind: max((point.step for point in self._history(name)), default=-1)
            for kind, name in _MARKS.items()
        }

    def deliver(self, entries: Iterable[Entry]) -> None:
        """Log metrics by step, each step once: those delivered before are passed over.

        Where the store fails, the same entries may be given again.
        """
        requests: list[list[Metric]] = [[]]
        reached = dict(self.delivered)
        for entry in entries:
            if entry.kind == "event" or entry.step <= reached[entry.kind]:
                continue
            reached[entry.kind] = entry.step
            if len(requests[-1]) + len(entry.values) > _BATCH:
                requests.append([])  # whole entries only: one counts as delivered or does not
            requests[-1] += [
                Metric(name, float(value), entry.time, entry.step)
                for name, value in entry.values.items()
            ]
        for metrics in filter(None, requests):
            self.client.log_batch(self.run_id, metrics=metrics)
        self.delivered = reached

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """Keep a file, or all files of a folder, with the run."""
        if path.is_dir():
            self.client.log_artifacts(self.run_id, str(path), folder)
        else:
            self.client.log_artifact(self.run_id, str(path), folder)

    def tag(self, **tags: str) -> None:
        """Set tags of the run."""
        for key, value in tags.items():
            self.client.set_tag(self.run_id, key, value)

    def close(
        self, status: str, entries: Iterable[Entry], artefacts: Sequence[tuple[Path, str | None]]
    ) -> bool:
        """Deliver what is missing, keep files, end the run. Whether the store took it all.

        `status` is one of `train.status`.
        """
        end = RunStatus.to_string(_ENDS[status])
        try:
            self.deliver(entries)
            for path, folder in artefacts:
                self.log_file(path, folder)
            self.client.set_terminated(self.run_id, end)
        except STORE_ERRORS as error:
            print(f"MLflow did not take the end of run {self.run_id}: {told(error, self.uri)}")
            return False
        return True

    def _history(self, name: str) -> list[Any]:
        return list(self.client.get_metric_history(self.run_id, name))


def default_uri(storage: Path) -> str:
    """The store used when none is configured."""
    return f"sqlite:///{storage / 'mlflow.db'}"


def start(
    uri: str,
    experiment: str,
    artefacts: Path,
    name: str,
    run_id: str | None,
    parameters: Mapping[str, Any],
    tags: Mapping[str, str],
) -> Tracker:
    """Open the run `run_id`, or a new one with these parameters and tags.

    A run that the store has lost is begun anew: the journal still holds its metrics.
    `artefacts` is where a new experiment of a local store keeps its files.

    Raises InputError if the store cannot be used.
    """
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # table by table
    # MLflow would try a server that is not there for minutes; the journal can wait for it.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    # At the end of a run it would print the server's address, with its password.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    try:
        client = MlflowClient(tracking_uri=uri)
        if run_id is None or not _reopen(client, run_id):
            run_id = _new_run(client, uri, experiment, artefacts, name, parameters, tags)
        return Tracker(uri, run_id)
    except (*STORE_ERRORS, ImportError) as error:  # a database whose driver is not installed
        raise InputError(
            f"tracking.uri {without_password(uri)!r} cannot be used: {told(error, uri)}\n"
            "start the server there, or leave tracking.uri out to use a file under storage"
        ) from error


def _reopen(client: MlflowClient, run_id: str) -> bool:
    """Whether the run is there to go on with."""
    try:
        if client.get_run(run_id).info.lifecycle_stage != LifecycleStage.ACTIVE:
            return False
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return False
        raise
    client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
    return True


def _new_run(
    client: MlflowClient,
    uri: str,
    experiment: str,
    artefacts: Path,
    name: str,
    parameters: Mapping[str, Any],
    tags: Mapping[str, str],
) -> str:
    found = client.get_experiment_by_name(experiment)
    local = uri.startswith("sqlite:")
    experiment_id = (
        found.experiment_id
        if found
        else client.create_experiment(experiment, artefacts.as_uri() if local else None)
    )
    run_id = str(client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id)
    try:
        params = [Param(key, value) for key, value in flatten(parameters).items()]
        client.log_batch(run_id, params=params)
    except STORE_ERRORS:
        with suppress(*STORE_ERRORS):
            client.delete_run(run_id)  # the next try makes another
        raise
    return run_id


def flatten(tree: Mapping[str, Any]) -> dict[str, str]:
    """Dotted keys and their values as text, without the passwords in it."""
    return {
        key: masked(value if isinstance(value, str) else json.dumps(value))
        for key, value in leaves(tree).items()
    }


def viewer_command(uri: str) -> str:
    """The command that opens the runs in a browser, on this machine alone."""
    if uri.startswith("sqlite:"):
        program = shlex.quote(str(Path(sys.executable).with_name("mlflow")))
        store = shlex.quote(uri)
        return f"{program} server --host 127.0.0.1 --port 5000 --backend-store-uri {store}"
    return f"the MLflow server at {without_password(uri)}"


def keepable(config: TrackedT) -> TrackedT:
    """A configuration as it may be kept and shown: without the password of its store."""
    settings: TrackingConfig = config.tracking
    if settings.uri is None:
        return config
    shown = dataclasses.replace(settings, uri=without_password(settings.uri))
    return dataclasses.replace(config, tracking=shown)


def without_password(uri: str) -> str:
    """The same URI with `***` in place of a password: for logs, parameters and messages."""
    return masked(uri)


def told(error: Exception, uri: str) -> str:
    """An error in words, without the password that its URI may hold."""
    return masked(str(error).replace(uri, masked(uri)))


def git_commit() -> str:
    """The commit of the code that runs, where it runs from a checkout."""
    return get_git_commit(str(Path(__file__).resolve().parent)) or "unknown"
