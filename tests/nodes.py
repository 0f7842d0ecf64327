"""Nodes on this machine: raylets of their own, which come and go like machines."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray._private.ray_constants import ENABLE_RAY_CLUSTERS_ENV_VAR
from ray.cluster_utils import Cluster

ROOT = Path(__file__).resolve().parent.parent
_ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    ENABLE_RAY_CLUSTERS_ENV_VAR: "0",  # all stay on loopback, and a driver that joins does too
    # A node that is gone is missed after seconds.
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}


@contextmanager
def cluster_of(first: Mapping[str, Any], **environment: str) -> Iterator[Cluster]:
    """A cluster of one node, to which others are added.

    Args:
        first: what the first node has.
        environment: of all nodes, and of this process while they are there.
    """
    before = dict(os.environ)
    os.environ.update({**_ENVIRONMENT, **environment})
    cluster = Cluster(initialize_head=True, head_node_args=dict(first))
    try:
        yield cluster
    finally:
        cluster.shutdown()
        os.environ.clear()
        os.environ.update(before)
