"""The one place that connects to Ray."""

import logging
import os
from pathlib import Path

import ray

import clism_ray
from clism_ray.errors import InputError

_ROOT = Path(clism_ray.__file__).resolve().parent.parent


def connect(minimum_cpus: int = 1, dashboard: bool = False) -> None:
    """Join the Ray cluster, or start one on this machine; nothing if already connected.

    With RAY_ADDRESS set (as `ray job submit` does) that cluster is joined. Otherwise a local
    one starts, reachable from this machine only, with at least `minimum_cpus` logical CPUs.
    Its workers import the package from where this process did, installed or not. Without its
    dashboard it starts faster, but Ray Train then frees nothing of a run that is cut short.

    Raises InputError if RAY_ADDRESS cannot be joined.
    """
    if ray.is_initialized():
        return
    if address := os.environ.get("RAY_ADDRESS"):
        try:
            ray.init(logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise InputError(
                f"RAY_ADDRESS is {address!r}, which cannot be joined: {error}\n"
                "`ray job submit` takes http://HEAD:8265; a job started by hand takes HEAD:6379, "
                "or no RAY_ADDRESS to run on this machine"
            ) from error
        return
    python_path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    ray.init(
        address="local",
        num_cpus=max(os.cpu_count() or 1, minimum_cpus),
        include_dashboard=dashboard,
        dashboard_host="127.0.0.1",
        _node_ip_address="127.0.0.1",
        logging_level=logging.ERROR,
        log_to_driver=False,  # what a worker raises comes back with the result
        runtime_env={"env_vars": {"PYTHONPATH": python_path}},
    )


def summary() -> str:
    """The cluster in one line: its nodes and what all of them have."""
    total = ray.cluster_resources()
    number = len(nodes())
    return (
        f"cluster: {number} node{'s' if number > 1 else ''}, {total.get('CPU', 0):g} CPUs, "
        f"{total.get('GPU', 0):g} GPUs, {total.get('memory', 0) / 2**30:.1f} GiB memory, "
        f"{total.get('object_store_memory', 0) / 2**30:.1f} GiB object store, "
        f"Ray {ray.__version__}"
    )


def nodes() -> list[dict[str, float]]:
    """The resources of each node that is alive."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
