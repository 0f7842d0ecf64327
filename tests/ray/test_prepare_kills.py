"""Workers and nodes that die in a preparation: it does not show in what is made."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import load
from clism_ray.corpus import stages, take_in
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.unfinished import folder_of
from tests.nodes import ROOT, cluster_of
from tests.preparations import FEW_LINES, assert_same_and_tidy, write_config
from tests.started import killed_at_last

pytestmark = [pytest.mark.ray, pytest.mark.drill, pytest.mark.timeout(240)]

TASKS = (
    (take_in, "_take_in_chunk"),
    (stages, "fit_tables"),
    (stages, "build_part"),
    (stages, "copy_bucket"),
    (stages, "number_bucket"),
)


def dying(task: Callable[..., Any], deaths: Path) -> Callable[..., Any]:
    """The task, whose worker dies once before and once after its work; each death leaves a file."""

    def die_once(moment: str) -> None:
        try:
            (deaths / f"{task.__name__}-{moment}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def run(*arguments: Any) -> Any:
        die_once("before")
        result = task(*arguments)
        die_once("after")
        return result

    return run


def test_workers_that_die_in_every_stage_do_not_show(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(PrepareConfig, write_config(tmp_path, FEW_LINES, shards=4))
    output, deaths = Path(config.output), tmp_path / "deaths"
    prepare(config)
    undisturbed = output.rename(tmp_path / "undisturbed")
    deaths.mkdir()
    for module, name in TASKS:
        monkeypatch.setattr(module, name, dying(getattr(module, name), deaths))
    prepare(config)
    assert sorted(path.name for path in deaths.iterdir()) == sorted(
        f"{name}-{moment}" for _, name in TASKS for moment in ("before", "after")
    )
    assert_same_and_tidy(output, undisturbed)


def driver(config: Path, address: str) -> AbstractContextManager["subprocess.Popen[str]"]:
    """The job, on the cluster at an address."""
    command = [sys.executable, "jobs/prepare.py", "--config", str(config)]
    environment = {**os.environ, "RAY_ADDRESS": address}
    return killed_at_last(
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    )


def test_nodes_that_die_do_not_show(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"de": 12_000, "es": 3_000}, shards=12)
    output = tmp_path / "prepared"
    with cluster_of({"num_cpus": 1}) as cluster:
        lost = [cluster.add_node(num_cpus=1) for _ in range(2)]
        with driver(config, cluster.address) as process:
            told = process.communicate()[1]
        assert process.returncode == 0, told
        undisturbed = output.rename(tmp_path / "undisturbed")
        with driver(config, cluster.address) as process:
            for node, piece in zip(lost, ("intake/0*.json", "built/train/*.json"), strict=True):
                while not list(folder_of(output).glob(f"*/{piece}")):
                    assert process.poll() is None, process.communicate()[1]
                    time.sleep(0.002)
                cluster.remove_node(node, allow_graceful=False)
            told = process.communicate()[1]
        assert process.returncode == 0, told
    assert_same_and_tidy(output, undisturbed)
