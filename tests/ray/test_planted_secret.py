"""A chain that reads from S3 and is tracked on a server leaves their passwords nowhere."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as fs
import pytest
from moto.server import ThreadedMotoServer

from clism_ray.train.tracking_record import default_uri
from tests.planted import PLANTED, VARIABLES, leaks

pytestmark = [pytest.mark.ray, pytest.mark.drill]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of an S3 store on this machine that holds a small corpus."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "{}:{}".format(*server.get_host_and_port())
    system = fs.S3FileSystem(
        access_key="AKIA",
        secret_key=PLANTED,
        region="us-east-1",
        scheme="http",
        endpoint_override=address,
        allow_bucket_creation=True,
    )
    system.create_dir("bucket")
    with system.open_output_stream("bucket/en-de.tsv", compression=None) as file:
        for n in range(400):
            line = f"Ada met Bob {n} times in Berlin.\tAda traf Bob {n} Mal in Berlin.\n"
            file.write(line.encode())
    yield address
    server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of an MLflow server on this machine, and what it keeps."""
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", address.partition(":")[2], "--backend-store-uri", default_uri(folder)]
    process = subprocess.Popen(
        [*command, "--artifacts-destination", str(folder)],
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_healthy(f"http://{address}/health")
        yield address, folder
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_healthy(address: str, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} does not answer")


@pytest.fixture
def rays_own() -> Iterator[Path]:
    """Where Ray writes its logs; a short path, since it holds sockets."""
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        yield Path(folder)


def configurations(folder: Path, store: str, server: str) -> dict[str, Path]:
    """Files that take their passwords from the environment."""
    texts = {
        "prepare": f"""
output: {folder}/corpus
corpora:
  - name: far
    format: tsv
    path: 's3://AKIA:${{PASSWORD}}@bucket/en-de.tsv?scheme=http&endpoint_override={store}'
    source_language: en
    target_language: de
dev: {{fraction: 0.1}}
shards: 1
""",
        "pretrain": f"""
name: far
corpus: {folder}/corpus
storage: {folder}
length: {{steps: 2}}
tokenizer: {{vocabulary: 300}}
model: {{scratch: {{layers: 1, hidden: 32, heads: 2, intermediate: 64}}}}
validation: {{every_steps: 2, pairs_per_language: 4}}
scaling: {{workers: 1}}
tracking: {{uri: 'http://me:${{PASSWORD}}@{server}'}}
""",
    }
    found = {job: folder / f"{job}.yaml" for job in texts}
    for job, path in found.items():
        path.write_text(texts[job], encoding="utf-8")
    return found


def test_a_chain_that_takes_passwords_leaves_none(
    store: str, server: tuple[str, Path], tmp_path: Path, rays_own: Path
) -> None:
    address, kept = server
    environment = {k: v for k, v in os.environ.items() if k not in ("RAY_ADDRESS", "PYTHONPATH")}
    environment |= VARIABLES | {"PASSWORD": PLANTED, "HOME": str(tmp_path)}
    environment |= {"RAY_TMPDIR": str(rays_own)}
    del environment["MLFLOW_TRACKING_TOKEN"]  # it would come before the password
    for job, config in configurations(tmp_path, store, address).items():
        done = subprocess.run(
            [sys.executable, f"jobs/{job}.py", "--config", str(config)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{job}: {done.stdout}\n{done.stderr}"
        assert leaks(done.stdout, done.stderr) == []
    assert "me:***@" in (tmp_path / "runs" / "far" / "config.yaml").read_text(encoding="utf-8")
    assert "AKIA:***@" in (tmp_path / "corpus" / "manifest.json").read_text(encoding="utf-8")
    assert (rays_own / "ray").is_dir()
    assert leaks(tmp_path, kept, rays_own) == []
