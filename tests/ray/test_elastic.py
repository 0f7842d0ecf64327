"""Runs whose nodes come and go, and whose driver is asked to stop: the curve stays the same."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from clism_ray.cli import STOPPED
from clism_ray.config import PretrainConfig
from clism_ray.train.checkpoint import complete, folder_of, steps_saved
from clism_ray.train.driver import pretrain
from tests.corpora import write_tiny_corpus
from tests.drilled_run import driver_of, ended, wait_for
from tests.drills import DRILL, curve, events, row
from tests.nodes import cluster_of
from tests.tiny_run import tiny_run

pytestmark = [pytest.mark.ray, pytest.mark.drill]

STEPS = 300
SLOT = {"slot": 1}  # a node that takes a worker; the first node has none, and makes micro-batches


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "tiny"
    write_tiny_corpus(folder, rows=1000)
    return folder


def configuration(corpus: Path, storage: Path, **scaling: object) -> PretrainConfig:
    return tiny_run(
        corpus,
        storage,
        length={"steps": STEPS},
        validation={"every_steps": 150, "pairs_per_language": 8},
        tracking={"log_every_steps": 1},
        scaling=scaling,
    )


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Path:
    storage = tmp_path_factory.mktemp("undisturbed")
    return pretrain(configuration(corpus, storage, workers=1)).folder


@pytest.fixture
def nodes() -> Iterator[Cluster]:
    """Raylets of their own on this machine: one for data, two for a worker each."""
    with cluster_of({"num_cpus": 1}) as cluster:
        yield cluster


def test_a_node_that_dies_and_one_that_joins_leave_no_trace_in_the_curve(
    corpus: Path,
    tmp_path: Path,
    undisturbed: Path,
    nodes: Cluster,
    record_property: Callable[[str, object], None],
) -> None:
    lost = nodes.add_node(num_cpus=1, resources=SLOT)
    nodes.add_node(num_cpus=1, resources=SLOT)
    config = configuration(
        corpus, tmp_path, workers=2, min_workers=1, resources_per_worker=SLOT, cpus_per_worker=0.5
    )
    run = tmp_path / "runs" / "run"
    with driver_of(config, RAY_ADDRESS=nodes.address) as driver:
        wait_for(lambda: steps_saved(run) and complete(folder_of(run, steps_saved(run)[0])), driver)
        nodes.remove_node(lost, allow_graceful=False)
        wait_for(lambda: any(e.values["workers"] == 1 for e in events(run, "training")), driver)
        nodes.add_node(num_cpus=1, resources=SLOT)
        ended(driver)
    assert [entry.values["workers"] for entry in events(run, "training")] == [2, 1, 2]
    record_property(DRILL, row("a node, then one joins", run, undisturbed))


@pytest.mark.usefixtures("ray_cluster")
def test_a_run_that_is_asked_to_stop_takes_a_checkpoint_and_goes_on_from_it_elsewhere(
    corpus: Path,
    tmp_path: Path,
    undisturbed: Path,
    record_property: Callable[[str, object], None],
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    config = configuration(corpus, there, workers=2)
    run = there / "runs" / "run"
    with driver_of(config) as driver:
        wait_for(lambda: len(curve(run)) > 25, driver)
        driver.process.send_signal(signal.SIGTERM)
        out = ended(driver, code=STOPPED)
    assert "asked to stop" in out
    (stopped,) = events(run, "stopped")
    assert stopped.step == steps_saved(run)[0] < STEPS
    moved = replace(configuration(corpus, here, workers=1), resume_from=str(run))
    result = pretrain(moved)
    (began,) = [e for e in events(result.folder, "training") if e.values["workers"] == 1]
    assert began.step == stopped.step
    record_property(DRILL, row("the driver, by SIGTERM", result.folder, undisturbed))
