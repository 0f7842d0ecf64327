"""The run that drills go through: small, driven by a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import psutil

from clism_ray.config import PretrainConfig
from clism_ray.config_file import to_yaml
from clism_ray.train.checkpoint import complete, folder_of, steps_saved
from tests.kill import steps_run
from tests.started import killed_at_last
from tests.tiny_run import tiny_run

ROOT = Path(__file__).resolve().parent.parent
STEPS = 120
LONG = 300  # steps of a run whose nodes come and go


class Driver(NamedTuple):
    """A process that runs the job, and what it prints."""

    process: subprocess.Popen[str]
    log: IO[str]

    def printed(self) -> str:
        self.log.seek(0)
        return self.log.read()


def configuration(
    corpus: Path,
    storage: Path,
    workers: int = 2,
    scaling: Mapping[str, object] | None = None,
    steps: int = STEPS,
) -> PretrainConfig:
    """The run; `scaling` is what that section has beside the number of workers.

    A long one reports every step, which takes time: reports wait for Ray Train's poll.
    """
    return tiny_run(
        corpus,
        storage,
        length={"steps": steps},
        validation={"every_steps": 60, "pairs_per_language": 8},
        tracking={"log_every_steps": 4 if steps == STEPS else 1},
        scaling={"workers": workers, **(scaling or {})},
    )


def folder(config: PretrainConfig) -> Path:
    return Path(config.storage) / "runs" / config.name


@contextmanager
def driver_of(config: PretrainConfig, **environment: str) -> Iterator[Driver]:
    """The job in a process, on a cluster of its own unless RAY_ADDRESS is given."""
    path = Path(config.storage) / f"{config.name}.yaml"
    path.write_text(to_yaml(config))
    command = [sys.executable, "jobs/pretrain.py", "--config", str(path)]
    with tempfile.TemporaryFile("w+") as log:  # a pipe that nobody reads would fill up
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**without_cluster(), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with killed_at_last(process):
            yield Driver(process, log)


def without_cluster() -> dict[str, str]:
    """The environment of a job that starts a cluster of its own."""
    return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}


def ended(driver: Driver, code: int = 0) -> str:
    """What a driver printed, once it has ended."""
    found = driver.process.wait()
    assert found == code, driver.printed()
    return driver.printed()


def run_to_end(config: PretrainConfig, **environment: str) -> str:
    """The command, again or for the first time; what it printed."""
    with driver_of(config, **environment) as driver:
        return ended(driver)


def wait_for(what: Callable[[], Any], driver: Driver) -> None:
    while not what():
        assert driver.process.poll() is None, f"the run ended before: {driver.printed()}"
        time.sleep(0.02)


def wait_for_steps(run: Path, steps: int, driver: Driver) -> None:
    """Until so many steps are in the journal, and a whole checkpoint is on disk."""
    wait_for(lambda: max(steps_run(run), default=0) >= steps and newest_checkpoint(run), driver)


def newest_checkpoint(run: Path) -> Path | None:
    folders = (folder_of(run, step) for step in steps_saved(run))
    return next((path for path in folders if complete(path)), None)


def training_workers() -> list[psutil.Process]:
    return _processes("RayTrainWorker")


def data_workers() -> list[psutil.Process]:
    return _processes("MapBatches")


def _processes(named: str) -> list[psutil.Process]:
    """Those that this process has started, it or its children, and that do something so named."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if named in " ".join([process.name(), *process.cmdline()]):
                found.append(process)
    return found
