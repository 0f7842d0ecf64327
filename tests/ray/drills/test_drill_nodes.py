"""Nodes that are announced to leave: the curve stays the same."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from clism_ray.config import PretrainConfig
from tests.drilled_run import (
    LONG,
    configuration,
    driver_of,
    ended,
    folder,
    wait_for,
    wait_for_steps,
)
from tests.drills import events

pytestmark = [pytest.mark.ray, pytest.mark.drill]

NOTICE_S = 12  # Ray Train looks for notices every five
SLOT = {"slot": 1}  # a node that takes a worker; the first node has none, and makes micro-batches


def elastic(corpus: Path, storage: Path) -> PretrainConfig:
    each = {"resources_per_worker": SLOT, "cpus_per_worker": 0.5}
    return configuration(corpus, storage, scaling={"min_workers": 1, **each}, steps=LONG)


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


def test_a_node_that_is_announced_to_leave_is_left_with_a_checkpoint(
    corpus: Path,
    tmp_path: Path,
    nodes: Cluster,
    long_undisturbed: Path,
    record: Callable[..., None],
) -> None:
    leaving = nodes.add_node(num_cpus=1, resources=SLOT)
    nodes.add_node(num_cpus=1, resources=SLOT)
    config = elastic(corpus, tmp_path)
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
    record(f"a node, announced {NOTICE_S} s before", run, long_undisturbed)
