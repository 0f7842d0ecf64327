"""The one place that connects to Ray."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray._private import ray_constants
from ray._private.authentication.authentication_token_setup import generate_and_save_token
from ray._private.state import available_resources_per_node
from ray.exceptions import AuthenticationError

import clism_ray
from clism_ray.errors import InputError
from clism_ray.placement import Node

_ROOT = Path(clism_ray.__file__).resolve().parent.parent
# Processes of a run that are no tasks: workers, and what Ray has to watch them. By default Ray
# keeps a process a CPU, these among them; so with few CPUs it would end one that masked examples
# after a second, and start another for the next, at the cost of the imports.
_ACTORS = 16
# Tensors in pages of 2 MiB, where the kernel gives them on request. A step on a CPU asks for its
# memory anew each time, and finding it page by page took longer than many a sum over it.
_HUGE_PAGES = "glibc.malloc.hugetlb=1"


def connect(minimum_cpus: int = 1, dashboard: bool = False) -> None:
    """Join the Ray cluster, or start one on this machine; nothing if already connected.

    With RAY_ADDRESS set (as `ray job submit` does) that cluster is joined. Otherwise a local
    one starts, reachable from this machine only, with at least `minimum_cpus` logical CPUs.
    Its workers import the package from where this process did, installed or not, and collect
    cycles seldom, as this process does. Without its
    dashboard it starts faster, but Ray Train then frees nothing of a run that is cut short.

    A SIGTERM, which `ray job stop` sends, then raises KeyboardInterrupt in this process. Raises
    InputError if RAY_ADDRESS cannot be joined, or not without a token.
    """
    if not ray.is_initialized():
        _join_or_start(minimum_cpus, dashboard)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's prints a stack


def _join_or_start(minimum_cpus: int, dashboard: bool) -> None:
    if address := os.environ.get("RAY_ADDRESS"):
        try:
            ray.init(logging_level=logging.ERROR, log_to_driver=False)
        except AuthenticationError as error:
            raise InputError(
                f"the cluster at RAY_ADDRESS {address!r} wants a token: copy the head's "
                "~/.ray/auth_token here, and set RAY_AUTH_MODE=token"
            ) from error
        except (ConnectionError, ValueError) as error:
            raise InputError(
                f"RAY_ADDRESS is {address!r}, which cannot be joined: {error}\n"
                "perhaps its token is another than that in ~/.ray/auth_token here; "
                "`ray job submit` takes http://HEAD:8265; a job started by hand takes HEAD:6379, "
                "or no RAY_ADDRESS to run on this machine"
            ) from error
        return
    _guard_token()
    python_path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    cpus = max(os.cpu_count() or 1, minimum_cpus)
    with _on_loopback():
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=dashboard,
            dashboard_host="127.0.0.1",
            _node_ip_address="127.0.0.1",
            logging_level=logging.ERROR,
            log_to_driver=False,  # what a worker raises comes back with the result
            runtime_env={
                "env_vars": {
                    "PYTHONPATH": python_path,
                    "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", _HUGE_PAGES),
                },
                "worker_process_setup_hook": "clism_ray.garbage.collect_seldom",
            },
            _system_config={"num_workers_soft_limit": cpus + _ACTORS},
        )


def _guard_token() -> None:
    """Let nobody but this user read Ray's token; Ray would write it for all of the machine."""
    path = Path.home() / ".ray" / "auth_token"
    before = os.umask(0o077)
    try:
        wanted = os.environ.get("RAY_AUTH_MODE", "token").lower() == "token"
        elsewhere = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
        if wanted and not elsewhere and not path.is_file():
            generate_and_save_token()
        if path.is_file():
            path.chmod(0o600)
    except OSError:  # a home that cannot be written to: Ray says what it makes of that
        return
    finally:
        os.umask(before)


@contextmanager
def _on_loopback() -> Iterator[None]:
    """What starts meanwhile listens on loopback.

    Ray takes 127.0.0.1 for the machine's address in the network, and listens on all of them,
    unless clusters of several machines are off, as they are on macOS and Windows.
    """
    known, name = ray_constants.ENABLE_RAY_CLUSTER, ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
    given = os.environ.get(name)
    ray_constants.ENABLE_RAY_CLUSTER = False
    os.environ[name] = "0"  # for the processes that it starts
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = known
        del os.environ[name]
        if given is not None:
            os.environ[name] = given


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


def nodes() -> list[Node]:
    """The nodes that are alive."""
    return [Node(node["Resources"], node["Labels"]) for node in ray.nodes() if node["Alive"]]


def free() -> list[Node]:
    """The same, with what nobody uses of each at this moment."""
    unused = available_resources_per_node()
    return [
        Node(unused.get(node["NodeID"], {}), node["Labels"])
        for node in ray.nodes()
        if node["Alive"]
    ]
