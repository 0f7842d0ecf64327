"""The scripts of `cluster/local/`: a cluster that takes jobs with the token, from here alone."""

import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.listening import free_port, listening

pytestmark = [pytest.mark.ray, pytest.mark.drill]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place() -> Iterator[dict[str, str]]:
    """The environment of a cluster of its own, with its own home; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="clism-") as state:  # pytest's paths are too long
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        environment |= {
            "HOME": f"{state}/home",
            "CLISM_LOCAL": f"{state}/ray",
            "CLISM_LOCAL_PORT": str(free_port()),
            "CLISM_LOCAL_DASHBOARD": str(free_port()),
        }
        Path(environment["HOME"]).mkdir()
        yield environment
        script("stop", environment)


def script(name: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", f"cluster/local/{name}.sh"]
    command += ["--num-cpus", "1"] if name == "start" else []
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def asked(address: str, token: str | None) -> int:
    """The status that the job API answers with."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{address}/api/jobs/", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_local_cluster_takes_jobs_with_the_token_and_listens_on_loopback_alone(
    place: dict[str, str],
) -> None:
    started = script("start", place)
    assert started.returncode == 0, started.stderr
    address = f"http://127.0.0.1:{place['CLISM_LOCAL_DASHBOARD']}"
    assert started.stdout == f"export RAY_AUTH_MODE=token RAY_ADDRESS={address}\n"
    kept = Path(place["HOME"]) / ".ray" / "auth_token"
    assert kept.stat().st_mode & 0o077 == 0
    assert (asked(address, None), asked(address, "other")) == (401, 403)
    assert asked(address, kept.read_text(encoding="utf-8")) == 200
    head = psutil.Process(int((Path(place["CLISM_LOCAL"]) / "pid").read_text(encoding="utf-8")))
    processes = [head, *head.children(recursive=True)]
    found = listening(processes)
    assert len(found) >= 5
    assert not [where for where in found if not where.is_loopback]
    assert script("start", place).returncode == 2
    assert script("stop", place).returncode == 0
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive
    assert "no cluster" in script("stop", place).stdout
