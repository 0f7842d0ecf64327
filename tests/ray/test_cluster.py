"""The cluster that a job starts for itself."""

import ctypes
import gc
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import ray
from ray._private import ray_constants

from clism_ray.cli import INTERRUPTED
from clism_ray.cluster import _guard_token
from tests.listening import listening
from tests.started import killed_at_last

ROOT = Path(__file__).resolve().parents[2]

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


_JOB = """
import sys, time, ray
from clism_ray import cli, cluster

def wait():
    cluster.connect()
    print("waits", flush=True)
    ray.get(ray.remote(lambda: time.sleep(60)).remote())

sys.exit(cli.exit_code(wait))
"""


def test_a_job_that_is_told_to_stop_says_so_in_a_word() -> None:
    command = [sys.executable, "-c", _JOB]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with killed_at_last(subprocess.Popen(command, cwd=ROOT, text=True, **pipes)) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "waits\n"
        job.send_signal(signal.SIGTERM)
        assert job.communicate()[1] == "interrupted\n"
    assert job.returncode == INTERRUPTED


_LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(
    not _LARGE_PAGES.is_file() or "[madvise]" not in _LARGE_PAGES.read_text(),
    reason="this kernel gives large pages to all who ask for memory, or to nobody",
)
@pytest.mark.usefixtures("ray_cluster")
def test_memory_of_its_processes_comes_in_large_pages() -> None:
    @ray.remote
    def large_pages_kib() -> int:
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        libc.memset(libc.malloc(64 * 2**20), 1, 64 * 2**20)
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))

    assert ray.get(large_pages_kib.remote()) > 32 * 2**10


def test_nobody_else_can_read_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    _guard_token()
    assert not any(tmp_path.iterdir()), "with it, Ray would want tokens from now on"
    monkeypatch.delenv("RAY_AUTH_MODE")
    token = tmp_path / ".ray" / "auth_token"
    _guard_token()
    made = token.read_text()
    assert len(made) >= 32
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    token.chmod(0o644)  # as Ray writes it
    _guard_token()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text() == made


@pytest.mark.usefixtures("ray_cluster")
@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "wants a token: copy the head's ~/.ray/auth_token here"),
        ("0" * 64, "cannot be joined"),
        (Path.home() / ".ray" / "auth_token", "joined"),
    ],
    ids=["none", "another", "its own"],
)
def test_only_who_knows_its_token_joins_a_cluster(
    tmp_path: Path, token: Path | str | None, said: str
) -> None:
    if token:
        (tmp_path / ".ray").mkdir()
        content = token.read_text() if isinstance(token, Path) else token
        (tmp_path / ".ray" / "auth_token").write_text(content)
    others = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    mine = {
        "HOME": str(tmp_path),
        "RAY_AUTH_MODE": "token",
        "RAY_ADDRESS": ray.get_runtime_context().gcs_address,
        ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0",  # or it would look for it in the network
    }
    done = subprocess.run(
        [sys.executable, "-c", "from clism_ray import cluster; cluster.connect(); print('joined')"],
        cwd=ROOT,
        env={**others, **mine},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout + done.stderr
    assert (done.returncode == 0) == (said == "joined")
