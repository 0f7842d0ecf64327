"""One local Ray cluster for all tests of this folder."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from clism_ray.cluster import connect


def pytest_configure(config: pytest.Config) -> None:
    """Ray warns about deprecated settings of its own whenever it copies them."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:ray")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """Four logical CPUs, however many the machine has, so that several tasks run at a time."""
    connect(minimum_cpus=4)
    yield
    ray.shutdown()


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
