"""A cluster of three hosts: from text to a model, a host that dies, a cable that is cut.

Data work goes to the hosts a and b, training to b and c; d joins later. `make bed` prints a log.
"""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from clism_ray.train import journal
from clism_ray.train.audit import audit
from clism_ray.train.checkpoint import complete, folder_of, steps_saved
from clism_ray.train.status import WORKERS_LOST
from tests.cluster.bed import Bed, bed, done, join, say, submit, trains
from tests.cluster.hosts import cut, kill, missing, narrow, slow
from tests.drills import TOLERANCE, check_curve, curve, events, longest_wait, restarts

MISSING = missing()
pytestmark = [
    pytest.mark.bed,
    pytest.mark.skipif(bool(MISSING), reason=str(MISSING)),
    pytest.mark.timeout(1500),
]

STEPS = 300
OUTAGE_S = 20
MBIT, DELAY_S = 50, 0.02
SYNTHESIZE = ("pairs=1600", "dev_pairs=80")
PREPARE = ("alignment.iterations=1", "resources.cpus_per_task=0.5", "resources.labels.data=here")
PRETRAIN = (
    f"length.steps={STEPS}",
    "tokenizer.vocabulary=400",
    "model.scratch.hidden=32",
    "model.scratch.intermediate=64",
    "model.scratch.heads=2",
    "optimizer.learning_rate=1e-3",
    "batch.pairs=4",
    "checkpoint.every_steps=20",
    "validation.every_steps=150",
    "validation.pairs_per_language=8",
    "tracking.log_every_steps=5",
    "scaling.threads_per_worker=1",
    "scaling.labels.train=here",
    "scaling.data_labels.data=here",
    "scaling.resources_per_worker.slot=1",
)


@pytest.fixture(scope="module")
def there() -> Iterator[Bed]:
    """The cluster, with a prepared corpus."""
    with bed("a", "b", "c", "d") as made:
        join(made, "a", "data")
        join(made, "b", "data", "train")
        join(made, "c", "train")
        done(made, "synthesize", *SYNTHESIZE)
        said = done(made, "prepare", *PREPARE).splitlines()
        say(made, next(line for line in said if "to train on" in line))
        yield made


@pytest.fixture(scope="module")
def undisturbed(there: Bed) -> Path:
    out = done(there, "pretrain", "name=undisturbed", *PRETRAIN)
    assert "cluster: 4 nodes" in out
    run = run_of(there, "undisturbed")
    say(there, f"undisturbed: {pace(run)}")
    return run


def run_of(there: Bed, name: str) -> Path:
    return there.home / "clism_ray" / "runs" / name


def until(what: Callable[[], Any], submitted: "subprocess.Popen[str]") -> None:
    while not what():
        assert submitted.poll() is None, f"the job ended before: {submitted.communicate()[0]}"
        time.sleep(0.2)


def under_way(run: Path) -> bool:
    """Whether a checkpoint is whole, and steps after it are done."""
    saved = [step for step in steps_saved(run) if complete(folder_of(run, step))]
    return bool(saved) and max(saved) < max(curve(run), default=0)


def pace(run: Path) -> str:
    """Seconds of a step, and the share of it spent waiting for data."""
    entries = [e.values for e in journal.read(run / journal.JOURNAL) if e.kind == "train"]
    took = [v["data/pairs"] / v["speed/pairs_per_second"] for v in entries]
    waited = [v["speed/data_wait"] for v in entries]
    return (
        f"{statistics.median(took):.3f} s a step, {statistics.mean(waited):.0%} of it for data, "
        f"{len(took)} steps"
    )


def tell(there: Bed, run: Path, undisturbed: Path) -> None:
    """What a disturbed run went through, after checking its curve and that it used rows once."""
    workers = [f"{e.values['workers']:g} from step {e.step}" for e in events(run, "training")]
    say(there, f"workers: {', '.join(workers)}")
    for entry in events(run, WORKERS_LOST):
        say(there, f"lost after step {entry.step}: {entry.values['problem'][:80]}")
    for lost, seconds in restarts(run):
        say(there, f"{lost} steps taken again, {seconds:.1f} s from the last step to the next")
    difference = check_curve(run, undisturbed)
    assert audit(run).against == []
    say(there, f"finished: every row once an epoch; losses differ by {difference:.0e} at most")


def test_a_cable_that_is_out_for_20_s_leaves_no_trace_in_the_curve(
    there: Bed,
    undisturbed: Path,
) -> None:
    run = run_of(there, "cut")
    with submit(there, "pretrain", "name=cut", *PRETRAIN) as submitted:
        until(lambda: under_way(run), submitted)
        assert trains(there.hosts["c"])
        with cut(there.hosts["c"]):
            say(there, f"the cable of c is out, after step {max(curve(run))}")
            time.sleep(OUTAGE_S)
        say(there, f"the cable of c is back, after step {max(curve(run))}")
        out, _ = submitted.communicate()
    assert submitted.returncode == 0, out
    assert restarts(run) or longest_wait(run) > OUTAGE_S - 1, "nobody felt it"
    tell(there, run, undisturbed)


def test_a_network_that_is_narrow_and_slow_changes_the_pace_and_not_the_curve(
    there: Bed, undisturbed: Path
) -> None:
    expected = curve(undisturbed)
    for name, mbit, delay in (("narrow", MBIT, 0), ("slow", 0, DELAY_S), ("both", MBIT, DELAY_S)):
        with ExitStack() as limits:
            for host in (there.hosts["b"], there.hosts["c"]):
                port = limits.enter_context(slow(host, delay)) if delay else host
                if mbit:
                    limits.enter_context(narrow(port, mbit))
            with submit(there, "pretrain", f"name={name}", "max_minutes=2", *PRETRAIN) as job:
                out, _ = job.communicate()
        assert f"{name} stopped before its end" in out
        found = curve(run_of(there, name))
        assert len(found) > 20
        assert all(abs(loss / expected[step] - 1) < TOLERANCE for step, loss in found.items())
        limit = f"{f'{mbit} Mbit/s' if mbit else ''} {f'{delay * 1000:g} ms' if delay else ''}"
        say(there, f"{limit.strip()}: {pace(run_of(there, name))}")


def test_a_host_that_dies_and_one_that_joins_leave_no_trace_in_the_curve(
    there: Bed,
    undisturbed: Path,
) -> None:
    run = run_of(there, "lost")
    elastic = ("name=lost", "scaling.min_workers=1", *PRETRAIN)
    with submit(there, "pretrain", *elastic) as submitted:
        until(lambda: under_way(run), submitted)
        assert trains(there.hosts["c"])
        kill(there.hosts["c"])
        say(there, f"c is dead, after step {max(curve(run))}")
        join(there, "d", "train")
        until(lambda: trains(there.hosts["d"]), submitted)
        say(there, "a worker starts on d")
        out, _ = submitted.communicate()
    assert submitted.returncode == 0, out
    workers = [entry.values["workers"] for entry in events(run, "training")]
    assert workers in ([2, 2], [2, 1, 2])
    tell(there, run, undisturbed)
