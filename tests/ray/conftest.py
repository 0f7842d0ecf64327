"""One local Ray cluster for all tests of this folder."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
import torch.distributed as dist

from clism_ray.cluster import connect
from tests.drills import DRILL


def pytest_configure(config: pytest.Config) -> None:
    """Ray warns about deprecated settings of its own whenever it copies them."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:ray")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The drills as a table: what each cost."""
    passed = terminalreporter.getreports("passed")
    rows = [value for report in passed for key, value in report.user_properties if key == DRILL]
    if rows:
        terminalreporter.section("drills")
        lines = [rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows)]
        for cells in lines:
            terminalreporter.write_line(f"| {' | '.join(cells)} |")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """Four logical CPUs, however many the machine has, so that several tasks run at a time."""
    connect(minimum_cpus=4)
    yield
    ray.shutdown()


@pytest.fixture
def alone() -> Iterator[None]:
    """A training group of this process."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 5 MiB, where this process may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))  # not below what pytest cleans up
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("mounting a small file system takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # MLflow keeps its file open
    folder.rmdir()
