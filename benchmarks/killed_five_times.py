"""The loss curve of a run that is killed five times, over that of one which is left alone.

    python benchmarks/killed_five_times.py --output killed-five-times.svg

Two nodes on this machine, a worker on each, on the CPU. SIGKILL takes the data workers, a training
worker, the driver (the command is given again), a node, and a worker that writes a checkpoint. The
run left alone has one worker. `--precision bf16` measures what half precision makes of it.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

import matplotlib.pyplot as plt
from ray.cluster_utils import Cluster

from clism_ray.config import PretrainConfig
from clism_ray.train import journal
from tests.corpora import write_tiny_corpus
from tests.drilled_run import (
    ROOT,
    Driver,
    configuration,
    data_workers,
    driver_of,
    ended,
    folder,
    run_to_end,
    training_workers,
    wait_for,
)
from tests.drills import TOLERANCE, check_curve, curve, restarts
from tests.kill import steps_run
from tests.nodes import cluster_of

SLOT = {"slot": 1}
AT_CHECKPOINT = 100

Kills = list[tuple[int, str]]


def main() -> None:
    """Run both, compare them, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    given = parser.parse_args()
    output: Path = given.output
    with tempfile.TemporaryDirectory() as name:
        corpus, storages = Path(name, "corpus"), [Path(name, kind) for kind in ("alone", "killed")]
        write_tiny_corpus(corpus, rows=1000)
        for storage in storages:
            storage.mkdir()
        alone = replace(configuration(corpus, storages[0], 1), precision=given.precision)
        run_to_end(alone)
        each = {"min_workers": 1, "resources_per_worker": SLOT, "cpus_per_worker": 0.5}
        killed = replace(
            configuration(corpus, storages[1], 2, scaling=each), precision=given.precision
        )
        kills = kill_five_times(killed)
        bound = TOLERANCE if given.precision == "fp32" else math.inf
        difference = check_curve(folder(killed), folder(alone), bound)
        draw(curve(folder(alone)), folder(killed), kills, difference, output)
        deaths = [f"step {step}: {what}" for step, what in kills if not what.startswith("data")]
        found = restarts(folder(killed))
        if len(found) != len(deaths):
            print(f"{', '.join(deaths)}; {len(found)} new beginnings, not one for each")
            deaths = ["after one of them"] * len(found)
        for death, (lost, seconds) in zip(deaths, found, strict=True):
            print(f"{death}; {lost} steps lost, {seconds:.1f} s to the next")
    print(f"largest relative difference of the losses: {difference:.1e}")


def kill_five_times(config: PretrainConfig) -> Kills:
    """Run it to its end; what was killed after which step."""
    run = folder(config)
    dies_at = "\n".join(
        [
            "os.rename",
            rf"step-{AT_CHECKPOINT:08d}/rank-0000\d\.tmp",
            str(run / "checkpoints" / f"step-{AT_CHECKPOINT - 20:08d}" / "rank-00000.json"),
            str(run.parent / "died"),
        ]
    )
    path = f"{ROOT}:{ROOT / 'tests' / 'dies_at'}"
    kills: Kills = []
    with cluster_of({"num_cpus": 1}, DIES_AT=dies_at, PYTHONPATH=path) as nodes:
        first = [nodes.add_node(num_cpus=1, resources=SLOT) for _ in range(2)]
        with driver_of(config, RAY_ADDRESS=nodes.address) as driver:
            wait_for(data_workers, driver)
            kill(kills, run, driver, 0, "data workers", kill_data_workers)
            kill(kills, run, driver, 28, "a worker", lambda: training_workers()[0].kill())
            kill(kills, run, driver, 52, "the driver", driver.process.kill)
        with driver_of(config, RAY_ADDRESS=nodes.address) as driver:
            kill(kills, run, driver, 76, "a node", lambda: lose(nodes, first[0]))
            ended(driver)
    assert (run.parent / "died").exists()
    return [*kills, (AT_CHECKPOINT, "a worker at a checkpoint")]


def kill(
    kills: Kills, run: Path, driver: Driver, step: int, what: str, how: Callable[[], Any]
) -> None:
    """Kill something after so many steps, once it is there."""
    wait_for(lambda: max(steps_run(run), default=0) >= step, driver)
    how()
    kills.append((max(steps_run(run), default=0), what))


def kill_data_workers() -> None:
    """Those that make micro-batches at this moment."""
    found = data_workers()
    assert found, "no data worker to kill"
    for process in found:
        process.kill()


def lose(nodes: Cluster, node: Any) -> None:
    """Kill a node with all that runs on it."""
    nodes.remove_node(node, allow_graceful=False)


def draw(
    undisturbed: dict[int, float], run: Path, kills: Kills, difference: float, output: Path
) -> None:
    """One figure: a line, the points of every step that ran, a mark for each death."""
    entries, _ = journal.read_from(run / journal.JOURNAL, 0)
    trained = [entry for entry in entries if entry.kind == "train"]
    plt.rcParams["svg.hashsalt"] = "clism_ray"
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    axes.plot(*zip(*undisturbed.items(), strict=True), color="0.75", lw=5, label="left alone")
    steps = [entry.step for entry in trained]
    losses = [entry.values["loss/total"] for entry in trained]
    axes.plot(
        steps, losses, ".", color="C3", ms=2.5, label="killed five times, every step that ran"
    )
    top = axes.get_ylim()[1]
    for step, what in kills:
        axes.axvline(step, color="0.3", lw=0.8, ls="--")
        axes.annotate(
            what,
            (step, top),
            (-3, -4),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
        )
    axes.set(xlabel="step", ylabel="loss/total", ylim=(None, top))
    axes.set_title(f"largest relative difference of the two: {difference:.0e}", fontsize=11)
    axes.legend(loc="lower left", frameon=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
