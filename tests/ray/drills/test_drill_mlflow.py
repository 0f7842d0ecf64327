"""An MLflow that is slow, answers with errors or dies: the run and its curve do not notice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from clism_ray.config import PretrainConfig
from tests.drilled_run import (
    STEPS,
    configuration,
    driver_of,
    ended,
    folder,
    run_to_end,
    wait_for_steps,
)
from tests.drills import longest_wait, restarts
from tests.mlflow_server import SILENCE_S, Proxy, Server, serving

pytestmark = [pytest.mark.ray, pytest.mark.drill]

Record = Callable[..., None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


def tracked_by(uri: str, config: PretrainConfig, name: str) -> PretrainConfig:
    return replace(config, name=name, tracking=replace(config.tracking, uri=uri))


def assert_all_there_once(server: Server, config: PretrainConfig) -> None:
    """One run of this name that has finished, with each step's loss once, in order."""
    client = MlflowClient(tracking_uri=server.uri)
    experiment = client.get_experiment_by_name(config.tracking.experiment)
    assert experiment
    named = f"attributes.run_name = '{config.name}'"
    (run,) = client.search_runs([experiment.experiment_id], named)
    assert run.info.status == "FINISHED"
    points = client.get_metric_history(run.info.run_id, "loss/total")
    assert [point.step for point in points] == list(range(1, STEPS + 1))


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("slow", "nothing: MLflow's answers came too late"),
        ("fail", "nothing: MLflow answered with 500 to what it took"),
        ("refuse", "nothing: MLflow answered with 500 and took nothing"),
    ],
)
def test_an_mlflow_that_fails_half_the_time_has_each_point_once_in_the_end(
    corpus: Path,
    tmp_path: Path,
    undisturbed: Path,
    record: Record,
    server: Server,
    fault: str,
    what: str,
) -> None:
    proxy = Proxy(server.uri)
    config = tracked_by(proxy.uri, configuration(corpus, tmp_path), fault)
    run = folder(config)
    with proxy.up():
        proxy.fault = fault
        run_to_end(config, MLFLOW_HTTP_REQUEST_TIMEOUT=str(SILENCE_S))
        proxy.fault = None
        run_to_end(config)  # delivers what is left
    assert proxy.spoilt > 1
    assert len(proxy.points) == len(set(proxy.points)), "what it had was sent again"
    assert_all_there_once(server, config)
    assert restarts(run) == []
    record(what, run, undisturbed, waited=longest_wait(run))


def test_an_mlflow_that_is_killed_during_a_run_has_all_of_it_after_the_next_start(
    corpus: Path, tmp_path: Path, undisturbed: Path, record: Record, server: Server
) -> None:
    config = tracked_by(server.uri, configuration(corpus, tmp_path), "killed")
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 28, driver)
        server.kill()
        try:
            out = ended(driver)
        finally:
            server.start()
    assert "metrics wait" in out
    assert "started again, delivers it" in out
    run_to_end(config)
    assert_all_there_once(server, config)
    assert restarts(run) == []
    record("MLflow; the command again once it was back", run, undisturbed, waited=longest_wait(run))
