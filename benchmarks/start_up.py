"""What a run costs beside its steps: the CPU seconds of each process of a short one.

    python benchmarks/start_up.py --config configs/pretrain/demo.yaml length.steps=10

The driver starts a Ray of its own. Each process is looked at five times a second and goes by the
last title that says what it did; those of Ray that share one are added up.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # runs without installation

from clism_ray.config import PretrainConfig
from clism_ray.config_file import load
from clism_ray.train import journal
from tests.drilled_run import without_cluster

INTERVAL_S = 0.2


def main() -> None:
    """Run, watch, and print the costly ones first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="of a pre-training, on a prepared corpus")
    parser.add_argument("overrides", nargs="*", metavar="a.b=c")
    given = parser.parse_intermixed_args()
    config = Path(given.config).resolve()  # the job runs elsewhere
    if load(PretrainConfig, config, given.overrides).length.steps == 1:
        parser.error("what comes after the first step is told from two on")
    with tempfile.TemporaryDirectory() as storage:
        overrides = [*given.overrides, f"storage={storage}", "name=start-up"]
        command = [sys.executable, "jobs/pretrain.py", "--config", str(config), *overrides]
        began = time.time()
        cpu, titles = watch(command)
        whole = time.time() - began
        (path,) = Path(storage).glob(f"runs/*/{journal.JOURNAL}")
        first, *_, last = (
            entry.time / 1000 for entry in journal.read(path) if entry.kind == "train"
        )
    print(f"{first - began:.1f} s to the end of the first step")
    print(f"{began + whole - last:.1f} s after the last")
    print(f"CPU seconds of all processes: {sum(cpu.values()):.1f}")
    by_title: dict[str, list[float]] = defaultdict(list)
    for process, seconds in cpu.items():
        by_title[titles[process]].append(seconds)
    for title, each in sorted(by_title.items(), key=lambda item: -sum(item[1])):
        print(f"{sum(each):8.1f}  {len(each)} x {title}")


def watch(command: list[str]) -> tuple[dict[int, float], dict[int, str]]:
    """CPU seconds and titles by process, of a command and all that it starts."""
    cpu: dict[int, float] = {}
    titles: dict[int, str] = {}
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdout=subprocess.DEVNULL, env=without_cluster()
    ) as job:
        driver = psutil.Process(job.pid)
        while job.poll() is None:
            with suppress(psutil.NoSuchProcess):
                for process in (driver, *driver.children(recursive=True)):
                    look(process, cpu, titles)
            time.sleep(INTERVAL_S)
    assert job.returncode == 0, f"the job ended with {job.returncode}"
    return cpu, titles


def look(process: psutil.Process, cpu: dict[int, float], titles: dict[int, str]) -> None:
    """Note what a process has used by now, and what it is called."""
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        title = " ".join(process.cmdline()[:1])
        titles.setdefault(process.pid, process.name())
        if title.startswith("ray::") and not title.startswith("ray::IDLE"):
            titles[process.pid] = title.removeprefix("ray::").partition(".")[0]
        cpu[process.pid] = used.user + used.system


if __name__ == "__main__":
    main()
