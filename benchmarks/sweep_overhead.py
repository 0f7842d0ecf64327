"""What a trial costs beside the same run: `jobs/pretrain.py` and a sweep of one, in turns.

    python benchmarks/sweep_overhead.py --config configs/sweep/demo.yaml pretrain.length.steps=60

Each is a process of its own with a cluster of its own, so starting and stopping count. A trial
costs a fixed time more, and perhaps more a step: both are told apart by the journal, since on a
shared machine the steps of two equal runs differ by more than either. Prints medians over the
rounds, and what they come to for runs of some lengths.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # runs without installation

from clism_ray.config_file import load, to_yaml
from clism_ray.config_sweep import SpaceEntry, SweepConfig
from clism_ray.train import journal
from tests.drilled_run import without_cluster

MINUTES = (2, 5, 10, 60)  # of the runs that the ratio is told for


class Took(NamedTuple):
    """Seconds of one job."""

    whole: float
    around: float  # before the first step and after the last
    step: float


def took(job: str, config: object, folder: Path) -> Took:
    """Run a job from start to exit."""
    folder.mkdir()
    path = folder / f"{job}.yaml"
    path.write_text(to_yaml(config), encoding="utf-8")
    command = [sys.executable, f"jobs/{job}.py", "--config", str(path)]
    began = time.time()
    subprocess.run(  # noqa: S603
        command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=without_cluster()
    )
    ended = time.time()
    where = "runs" if job == "pretrain" else "sweeps/*/runs"
    (file,) = folder.glob(f"{where}/*/{journal.JOURNAL}")
    steps = [entry for entry in journal.read(file) if entry.kind == "train"]
    first, last = (steps[place].time / 1000 for place in (0, -1))
    return Took(ended - began, first - began + ended - last, (last - first) / (len(steps) - 1))


def measure(config: SweepConfig, folder: Path, first: str) -> dict[str, Took]:
    """The run by itself and as the only trial of a sweep, each in a storage of its own."""
    storages = {job: folder / job for job in ("pretrain", "sweep")}
    alone, trial = (replace(config.pretrain, storage=str(at)) for at in storages.values())
    one = replace(
        config,
        pretrain=trial,
        space={"seed": SpaceEntry(choice=(trial.seed,))},
        search="grid",
        trials=None,
        asha=None,
    )
    jobs = {"pretrain": alone, "sweep": one}
    order = sorted(jobs, key=lambda job: job != first)
    return {job: took(job, jobs[job], storages[job]) for job in order}


def main() -> None:
    """Measure in turns, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="of a sweep; its space is not used")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("overrides", nargs="*", metavar="a.b=c")
    given = parser.parse_intermixed_args()
    config = load(SweepConfig, given.config, given.overrides)
    if config.pretrain.length.steps == 1:
        parser.error("how long a step takes is told from two steps on")
    if config.few_shot is not None:
        parser.error("its trials fine-tune, which a pre-training does not: give few_shot=null")
    rounds = []
    for turn in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(measure(config, Path(folder), ("pretrain", "sweep")[turn % 2]))
        for job, seconds in rounds[-1].items():
            told = f"{seconds.whole:.1f} s, {seconds.around:.1f} of them around the steps"
            print(f"round {turn + 1}: {job:8} {told}; {seconds.step:.3f} s a step", flush=True)
    pairs = [(entry["pretrain"], entry["sweep"]) for entry in rounds]
    more = statistics.median(trial.around - alone.around for alone, trial in pairs)
    steps = statistics.median(trial.step / alone.step for alone, trial in pairs)
    around = statistics.median(alone.around for alone, _ in pairs)
    print(f"a trial: {more:+.1f} s, steps x {steps:.3f}")
    for minutes in MINUTES:
        whole = 60 * minutes
        ratio = (around + more + (whole - around) * steps) / whole
        print(f"a run of {minutes} minutes, start and end included: x {ratio:.3f}")


if __name__ == "__main__":
    main()
