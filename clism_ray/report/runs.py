"""Runs and sweeps, read from MLflow. Nothing is ever written there."""

import difflib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.report.results import Curve, Dimension, Run, Sweep, direction, to_curve
from clism_ray.store import STORE_ERRORS, told
from clism_ray.tracking import PARENT

_KIND, _SPACE = "kind", "space."
_PAGE = 1000  # runs of one request
_SHOWN = 10  # names in a message
_NEWEST = ["attributes.start_time DESC"]


def load_sweep(uri: str, name: str) -> Sweep:
    """The newest sweep of a name, with the objective of every trial by step.

    Raises InputError if there is none, or if the store cannot be read.
    """
    with reading(uri) as client:
        sweeps = search(client, f"tags.{_KIND} = 'sweep'")
        named = [run for run in sweeps if name in (run.info.run_name, run.info.run_id)]
        if not named:
            raise InputError(_no_sweep(name, [str(run.info.run_name) for run in sweeps]))
        parent = named[0]
        objective = _required(parent, "objective")
        trials = search(client, f"tags.`{PARENT}` = '{parent.info.run_id}'")
        return Sweep(
            name=parent.info.run_name,
            run=_to_run(client, parent, lambda metric: False, len(named) - 1),
            objective=objective,
            mode=_required(parent, "mode"),
            space=_space(parent),
            trials=tuple(
                _to_run(client, trial, lambda metric: metric == objective)
                for trial in reversed(trials)
            ),
        )


def load_runs(uri: str, names: Sequence[str]) -> tuple[Run, ...]:
    """Runs by name or run id; of several with one name the newest.

    Their curves are those of the metrics that get better one way.
    Raises InputError for an unknown name, for less than two different runs, or if the store cannot
    be read.
    """
    if len(names) < 2:
        raise InputError(f"nothing to compare {', '.join(names)} with; name two runs or more")
    with reading(uri) as client:
        found = [_find(client, name) for name in names]
        ids = [run.info.run_id for run, _ in found]
        for name, run_id in zip(names, ids, strict=True):
            if ids.count(run_id) > 1:
                raise InputError(f"{name!r} ({run_id}) is given twice; name different runs")
        return tuple(
            _to_run(client, run, lambda metric: direction(metric) is not None, older)
            for run, older in found
        )


@contextmanager
def reading(uri: str) -> Iterator[MlflowClient]:
    """A client of a store; InputError if it cannot be read, whatever is asked of it."""
    path = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not path.is_file():  # MLflow would make a new one
        raise InputError(
            f"{path}: no MLflow store; give the one that holds the runs with --uri, "
            "or the folder of mlflow.db with --storage"
        )
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # else it tries for minutes
    try:
        yield MlflowClient(tracking_uri=uri)
    except (*STORE_ERRORS, ImportError) as error:  # a database whose driver is not installed
        raise InputError(f"MLflow at {masked(uri)!r} cannot be read: {told(error, uri)}") from error


def search(client: MlflowClient, condition: str = "") -> list[Any]:
    """Every run that meets a condition, the newest first, in all experiments."""
    experiments = [
        experiment.experiment_id
        for experiment in _all(lambda token: client.search_experiments(page_token=token))
    ]
    return _all(
        lambda token: client.search_runs(
            experiments, condition, max_results=_PAGE, page_token=token, order_by=_NEWEST
        )
    )


def _all(ask: Callable[[str | None], Any]) -> list[Any]:
    """What all pages of an answer hold."""
    page = ask(None)
    found = list(page)
    while page.token:
        page = ask(page.token)
        found += page
    return found


def _find(client: MlflowClient, name: str) -> tuple[Any, int]:
    """The run that is meant, and how many older ones have its name."""
    if re.fullmatch("[0-9a-f]{32}", name):
        try:
            return client.get_run(name), 0
        except MlflowException:  # then it may be a name
            pass
    quote = '"' if "'" in name else "'"
    named = [] if '"' in name else search(client, f"attributes.run_name = {quote}{name}{quote}")
    if not named:
        known = list(dict.fromkeys(str(run.info.run_name) for run in search(client)))
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.0)
        hint = f"closest: {', '.join(close)}" if close else "there is no run at all"
        raise InputError(f"no run has the name or id {name!r}; {hint}")
    return named[0], len(named) - 1


def _no_sweep(name: str, known: Sequence[str]) -> str:
    names = list(dict.fromkeys(known))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    hint = f"known: {', '.join(names[:_SHOWN])}{more}" if names else "there is none at all"
    return f"no sweep is called {name!r}; {hint}"


def _required(parent: Any, key: str) -> str:
    try:
        return str(parent.data.params[key])
    except KeyError:
        raise InputError(
            f"sweep {parent.info.run_name!r} ({parent.info.run_id}) has no parameter {key!r}: "
            "its start was not written whole"
        ) from None


def _space(parent: Any) -> tuple[Dimension, ...]:
    found = []
    for name, text in sorted(parent.data.params.items()):
        if name.startswith(_SPACE):
            ((kind, values),) = json.loads(text).items()
            found.append(Dimension(name.removeprefix(_SPACE), kind, tuple(values)))
    return tuple(found)


def _to_run(
    client: MlflowClient, run: Any, wanted: Callable[[str], bool], namesakes: int = 0
) -> Run:
    info, data = run.info, run.data
    curves = {key: _curve(client, info.run_id, key) for key in data.metrics if wanted(key)}
    return Run(
        name=info.run_name or info.run_id,
        run_id=info.run_id,
        status=data.tags.get("trial_status", info.status.lower()),
        params=data.params,
        tags=data.tags,
        last=data.metrics,
        curves=curves,
        seconds=(info.end_time - info.start_time) / 1000 if info.end_time else None,
        namesakes=namesakes,
    )


def _curve(client: MlflowClient, run_id: str, metric: str) -> Curve:
    points = client.get_metric_history(run_id, metric)  # every page of it, by time
    return to_curve((point.step, point.value) for point in points)
