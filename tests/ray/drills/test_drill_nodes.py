"""Nodes that die, join, are announced to leave, or waited for: the curve stays the same."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from clism_ray.cli import INTERRUPTED, STOPPED
from clism_ray.config import PretrainConfig
from tests.drilled_run import (
    LONG,
    configuration,
    driver_of,
    ended,
    folder,
    newest_checkpoint,
    run_to_end,
    wait_for,
    wait_for_steps,
)
from tests.drills import events, restarts

pytestmark = [pytest.mark.ray, pytest.mark.drill]

Record = Callable[..., None]

NOTICE_S = 12  # Ray Train looks for notices every five
SLOT = {"slot": 1}  # a node that takes a worker; the first node has none, and makes micro-batches


def elastic(corpus: Path, storage: Path, **scaling: object) -> PretrainConfig:
    each = {"resources_per_worker": SLOT, "cpus_per_worker": 0.5}
    return configuration(corpus, storage, scaling={**each, **scaling}, steps=LONG)


def workers_by_turns(run: Path) -> list[int]:
    return [entry.values["workers"] for entry in events(run, "training")]


def announce(nodes: Cluster, node: Any, seconds: int) -> None:
    """Tell the cluster, as a cloud does, that a node will be taken away."""
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "drain-node"),
        *("--address", nodes.address, "--node-id", node.node_id),
        *("--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "sold to another"),
        *("--deadline-remaining-seconds", str(seconds)),
    ]
    subprocess.run(command, check=True, capture_output=True)


def test_a_node_that_dies_and_one_that_joins_leave_no_trace_in_the_curve(
    corpus: Path, tmp_path: Path, nodes: Cluster, long_undisturbed: Path, record: Record
) -> None:
    lost = nodes.add_node(num_cpus=1, resources=SLOT)
    nodes.add_node(num_cpus=1, resources=SLOT)
    config = elastic(corpus, tmp_path, min_workers=1)
    run = folder(config)
    with driver_of(config, RAY_ADDRESS=nodes.address) as driver:
        wait_for(lambda: newest_checkpoint(run), driver)
        nodes.remove_node(lost, allow_graceful=False)
        wait_for(lambda: workers_by_turns(run)[-1:] == [1], driver)
        nodes.add_node(num_cpus=1, resources=SLOT)
        ended(driver)
    assert workers_by_turns(run) == [2, 1, 2]
    (_, _), (lost_to_it, _) = restarts(run)
    assert lost_to_it == 0, "a node joined, and steps had to run again"
    record("a node, with fewer workers allowed; then one joins", run, long_undisturbed)


def test_a_node_that_is_announced_to_leave_is_left_with_a_checkpoint(
    corpus: Path, tmp_path: Path, nodes: Cluster, long_undisturbed: Path, record: Record
) -> None:
    leaving = nodes.add_node(num_cpus=1, resources=SLOT)
    nodes.add_node(num_cpus=1, resources=SLOT)
    config = elastic(corpus, tmp_path, min_workers=1)
    run = folder(config)
    with driver_of(config, RAY_ADDRESS=nodes.address) as driver:
        wait_for_steps(run, 25, driver)
        announce(nodes, leaving, NOTICE_S)
        gone = time.monotonic() + NOTICE_S
        wait_for(lambda: events(run, "node leaves"), driver)
        wait_for(lambda: time.monotonic() > gone, driver)
        nodes.remove_node(leaving, allow_graceful=False)
        ended(driver)
    (told,) = events(run, "node leaves")
    assert workers_by_turns(run) == [2, 1]
    assert events(run, "training")[1].step >= told.step, "the checkpoint of the notice was not used"
    assert len(events(run, "workers lost")) == 1
    record(f"a node, announced {NOTICE_S} s before", run, long_undisturbed)


@pytest.mark.parametrize(
    ("sign", "code", "said"),
    [
        (signal.SIGTERM, STOPPED, "no workers are at work"),
        (signal.SIGINT, INTERRUPTED, "interrupted"),
    ],
    ids=["SIGTERM", "Ctrl-C"],
)
def test_a_run_that_waits_for_a_node_ends_when_asked_and_goes_on_with_one(
    corpus: Path,
    tmp_path: Path,
    nodes: Cluster,
    long_undisturbed: Path,
    record: Record,
    sign: signal.Signals,
    code: int,
    said: str,
) -> None:
    lost = nodes.add_node(num_cpus=1, resources=SLOT)
    config = elastic(corpus, tmp_path, workers=1)
    run = folder(config)
    with driver_of(config, RAY_ADDRESS=nodes.address) as driver:
        wait_for_steps(run, 25, driver)
        nodes.remove_node(lost, allow_graceful=False)
        wait_for(lambda: events(run, "workers lost"), driver)
        driver.process.send_signal(sign)
        out = ended(driver, code)
    assert said in out
    assert "Traceback" not in out
    nodes.add_node(num_cpus=1, resources=SLOT)
    run_to_end(config, RAY_ADDRESS=nodes.address)
    assert len(events(run, "training")) == 2
    what = f"its only node; {sign.name} while it waited; with another node, the command again"
    record(what, run, long_undisturbed)
