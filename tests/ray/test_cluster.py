"""The cluster that a job starts for itself."""

import gc
import os

import psutil
import pytest
import ray
from ray._private import ray_constants

from tests.listening import listening

pytestmark = pytest.mark.ray


@pytest.mark.usefixtures("ray_cluster")
def test_a_cluster_of_one_machine_listens_on_loopback_alone() -> None:
    found = listening(psutil.Process().children(recursive=True))
    assert len(found) >= 5
    assert not [where for where in found if not where.is_loopback]
    assert ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR not in os.environ  # for this start only


@pytest.mark.usefixtures("ray_cluster")
def test_python_collects_cycles_seldom_in_its_processes() -> None:
    @ray.remote
    def threshold() -> int:
        return gc.get_threshold()[0]

    assert ray.get(threshold.remote()) == 50_000
