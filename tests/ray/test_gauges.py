"""What Prometheus finds of a run, and what a person reads of the cluster."""

import re
import time
import urllib.request

import pytest
import ray

from clism_ray import cluster
from clism_ray.train.gauges import PublishGauges
from clism_ray.train.journal import Entry

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

WITHIN_S = 45  # Ray's processes tell the node's port what they measured every ten


def test_the_metrics_port_of_a_node_shows_the_newest_step_of_a_run() -> None:
    @ray.remote(num_cpus=0)
    class Controller:
        """Stands where Ray Train's controller does: in an actor."""

        def __init__(self, publish: PublishGauges) -> None:
            values = {"loss/total": 2.5, "speed/pairs_per_second": 40.0, "speed/data_wait": 0.25}
            values["speed/tokens_per_second"] = 900.0
            entries = [Entry(1, "train", step, values)._asdict() for step in (7, 8)]
            publish.after_report(None, [{"entries": entries}, {"entries": []}], None)
            publish.after_exception(None, {0: RuntimeError("gone")})

        def ready(self) -> None:
            """Until this returns it is not made."""

    controller = Controller.remote(PublishGauges("mine"))
    ray.get(controller.ready.remote())
    wanted = {
        "ray_clism_step": 8.0,
        "ray_clism_loss": 2.5,
        "ray_clism_pairs_per_second": 40.0,
        "ray_clism_tokens_per_second": 900.0,
        "ray_clism_data_wait": 0.25,
        "ray_clism_workers_lost_total": 1.0,
    }
    node = ray.nodes()[0]
    page = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    until, found = time.monotonic() + WITHIN_S, {}
    while found != wanted and time.monotonic() < until:
        time.sleep(1)
        with urllib.request.urlopen(page) as answer:
            lines = answer.read().decode()
        of_run = re.findall(r'^(ray_clism_\w+)\{[^}]*run="mine"[^}]*\} (\S+)', lines, re.M)
        found = {name: float(value) for name, value in of_run}
    assert found == wanted


def test_the_cluster_is_told_in_one_line() -> None:
    told = cluster.summary()
    assert re.fullmatch(
        r"cluster: 1 node, \d+ CPUs, \d+ GPUs, [\d.]+ GiB memory, [\d.]+ GiB object store, "
        rf"Ray {re.escape(ray.__version__)}",
        told,
    )
