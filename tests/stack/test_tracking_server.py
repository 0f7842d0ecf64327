"""Tracking and reports through an MLflow server, as it is started by the README's command."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from clism_ray import tracking
from clism_ray.report.runs import load_sweep
from clism_ray.train.journal import Entry
from clism_ray.train.status import FINISHED
from tests.planted import PLANTED, leaks

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on this machine alone."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shown = tracking.viewer_command(tracking.default_uri(folder))
    command = shlex.split(shown.replace("--port 5000", f"--port {port}"))
    uri = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-m", "mlflow", *command[1:], "--artifacts-destination", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_until_healthy(uri, process)
        yield uri
        os.killpg(process.pid, signal.SIGKILL)


def wait_until_healthy(uri: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server ended before it answered")


def test_a_sweep_and_its_trial_go_to_a_server_and_come_back(server: str, tmp_path: Path) -> None:
    settings = {"objective": "validation/accuracy", "mode": "max", "search": "random"}
    space = {"seed": '{"integers": [1, 9]}'}
    parent = tracking.start(
        server, "clism", tmp_path, "far", None, {**settings, "space": space}, {"kind": "sweep"}
    )
    tags = {tracking.PARENT: parent.run_id, "trial_status": FINISHED}
    child = tracking.start(server, "clism", tmp_path, "far-1", None, {"seed": 3}, tags)
    entries = [Entry(n, "validation", n, {"validation/accuracy": n / 10}) for n in (1, 2)]
    kept = tmp_path / "config.yaml"
    kept.write_text("seed: 3\n")
    assert child.close(FINISHED, entries, [(kept, None)])
    assert parent.close(FINISHED, [], [])
    assert [f.path for f in child.client.list_artifacts(child.run_id)] == ["config.yaml"]
    again = tracking.start(server, "clism", tmp_path, "far-1", child.run_id, {}, {})
    assert again.run_id == child.run_id
    sweep = load_sweep(server, "far")
    (trial,) = sweep.trials
    assert (trial.name, sweep.curve(trial)) == ("far-1", ((1, 0.1), (2, 0.2)))


def test_the_password_of_a_server_is_used_and_not_told(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = server.replace("://", f"://me:{PLANTED}@")
    tracker = tracking.start(uri, "clism", tmp_path, "far", None, {"uri": uri}, {})
    assert tracker.close(FINISHED, [Entry(1, "train", 1, {"loss/total": 1.0})], [])
    assert tracker.client.get_run(tracker.run_id).data.params == {
        "uri": server.replace("://", "://me:***@")
    }
    said = capsys.readouterr()
    assert leaks(said.out, said.err) == []
