"""A Ray cluster on several hosts, each with a raylet of its own, that takes jobs by network."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.cluster.hosts import Host, hosts, on, processes
from tests.started import killed_at_last

ROOT = Path(__file__).resolve().parents[2]
RAY = str(Path(sys.executable).with_name("ray"))
HEAD = "head"
STORE_BYTES = 150 * 2**20


class Bed(NamedTuple):
    """Hosts, and what they share: a checkout of this repository, and a home with the token."""

    hosts: dict[str, Host]
    home: Path
    checkout: Path
    state: Path
    began: float


@contextmanager
def bed(*names: str) -> Iterator[Bed]:
    """A head, and hosts of these names, on which nothing runs yet but for Ray on the head."""
    state = Path(tempfile.mkdtemp(prefix="bed-"))  # pytest's paths are too long for Ray's sockets
    try:
        with hosts(HEAD, *names) as made:
            there = Bed(made, state / "home", state / "checkout", state, time.monotonic())
            token = there.home / ".ray" / "auth_token"
            token.parent.mkdir(parents=True)
            token.touch(mode=0o600)
            token.write_text(secrets.token_hex(32), encoding="utf-8")
            _check_out(there.checkout)
            _start(there, HEAD, "--head", "--port", "6379", "--num-cpus", "0")
            say(there, f"head on {made[HEAD].address}")
            yield there
    finally:
        shutil.rmtree(state, ignore_errors=True)


def join(there: Bed, name: str, *labels: str) -> None:
    """Start Ray on a host; one that trains has room for a worker."""
    given = ["--num-cpus", "1", "--labels", ",".join(f"{label}=here" for label in labels)]
    given += ["--resources", '{"slot": 1}'] if "train" in labels else []
    _start(there, name, "--address", f"{there.hosts[HEAD].address}:6379", *given)
    say(there, f"{name} joined on {there.hosts[name].address}: {' and '.join(labels)}")


def submit(
    there: Bed, job: str, *overrides: str
) -> AbstractContextManager["subprocess.Popen[str]"]:
    """`ray job submit` of a job with its demo configuration, over the network, to its end."""
    submitting = [RAY, "job", "submit", "--working-dir", "."]
    # What was lost with a network is missed sooner than by default.
    told = {"env_vars": {"RAY_TRAIN_COLLECTIVE_TIMEOUT_S": "30"}}
    submitting += ["--runtime-env-json", json.dumps(told)]
    command = ["python", f"jobs/{job}.py", "--config", f"configs/{job}/demo.yaml"]
    address = f"http://{there.hosts[HEAD].address}:8265"
    say(there, f"ray job submit -- python jobs/{job}.py")
    return killed_at_last(
        subprocess.Popen(
            [*submitting, "--", *command, *overrides],
            cwd=there.checkout,
            env={**_environment(there), "RAY_ADDRESS": address},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    )


def done(there: Bed, job: str, *overrides: str) -> str:
    """What a job printed that did all of its work."""
    with submit(there, job, *overrides) as submitted:
        out, _ = submitted.communicate()
    assert submitted.returncode == 0, out
    return out


def trains(host: Host) -> bool:
    """Whether a worker runs on a host."""
    found = []
    for process in processes(host):
        with suppress(psutil.NoSuchProcess):
            found.append(" ".join([process.name(), *process.cmdline()]))
    return any("RayTrainWorker" in command for command in found)


def say(there: Bed, what: str) -> None:
    """A line of the log, with the seconds since the bed began."""
    print(f"{time.monotonic() - there.began:7.1f} s  {what}", flush=True)


def _start(there: Bed, name: str, *given: str) -> None:
    host = there.hosts[name]
    command = [RAY, "start", *given, "--node-ip-address", host.address, "--disable-usage-stats"]
    command += ["--dashboard-host", host.address, "--object-store-memory", str(STORE_BYTES)]
    command += ["--temp-dir", str(there.state / name)]
    said = there.state / f"{name}.log"  # a pipe would stay open as long as what is started
    with said.open("w") as log:
        started = subprocess.run(
            on(host, *command), env=_environment(there), stdout=log, stderr=log, check=False
        )
    assert started.returncode == 0, said.read_text(encoding="utf-8")


def _environment(there: Bed) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(there.home),
        "RAY_AUTH_MODE": "token",
        "RAY_enable_metrics_collection": "0",
        "RAY_num_workers_soft_limit": "8",  # of a host of one CPU, see cluster/README.md
        "GLOO_SOCKET_IFNAME": "eth0",
    }


def _check_out(folder: Path) -> None:
    """The files that git knows, as they are now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
