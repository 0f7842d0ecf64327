"""What a trial costs beside the same run: `jobs/pretrain.py` and a sweep of one, in turns.

    python benchmarks/sweep_overhead.py --config configs/sweep/demo.yaml --rounds 2

Each is a process of its own with a cluster of its own, so starting and stopping count. Prints the
seconds of each and their ratio.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # runs without installation

from clism_ray.config_file import load, to_yaml
from clism_ray.config_sweep import SpaceEntry, SweepConfig


def seconds(job: str, config: object, folder: Path) -> float:
    """How long a job takes from start to exit."""
    path = folder / f"{job}.yaml"
    path.write_text(to_yaml(config), encoding="utf-8")
    command = [sys.executable, f"jobs/{job}.py", "--config", str(path)]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.monotonic() - began


def measure(config: SweepConfig, folder: Path, first: str) -> dict[str, float]:
    """Seconds of the run by itself and as the only trial of a sweep."""
    run = replace(config.pretrain, storage=str(folder))
    one = replace(
        config,
        pretrain=run,
        space={"seed": SpaceEntry(choice=(run.seed,))},
        search="grid",
        trials=None,
        asha=None,
    )
    jobs = {"pretrain": run, "sweep": one}
    order = sorted(jobs, key=lambda job: job != first)
    return {job: seconds(job, jobs[job], folder) for job in order}


def main() -> None:
    """Measure in turns, and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="of a sweep; its space is not used")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("overrides", nargs="*", metavar="a.b=c")
    given = parser.parse_intermixed_args()
    config = load(SweepConfig, given.config, given.overrides)
    ratios = []
    for turn in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            took = measure(config, Path(folder), ("pretrain", "sweep")[turn % 2])
        ratios.append(took["sweep"] / took["pretrain"])
        told = ", ".join(f"{job} {took[job]:.1f} s" for job in took)
        print(f"round {turn + 1}: {told}; ratio {ratios[-1]:.3f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
