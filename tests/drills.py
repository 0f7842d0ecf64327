"""What a drill cost, from the journal of the run that went through it: a row of `make drills`."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from clism_ray.train import journal
from clism_ray.train.audit import audit

TOLERANCE = 1e-4  # relative, of losses in fp32 with dropout on
WEIGHTS = 1e-4  # of their length: Adam makes more of a difference than the loss does
DRILL = "drill"  # the property of a test's report that holds its row


def curve(run: Path) -> dict[int, float]:
    """The loss by step, each step once."""
    entries = journal.read(run / journal.JOURNAL)
    return {e.step: e.values["loss/total"] for e in entries if e.kind == "train"}


def events(run: Path, status: str) -> list[journal.Entry]:
    entries, _ = journal.read_from(run / journal.JOURNAL, 0)
    return [e for e in entries if e.kind == "event" and e.values["status"] == status]


def restarts(run: Path) -> list[tuple[int, float]]:
    """Of each time that workers began again: steps lost, seconds from the last step to the next."""
    entries, _ = journal.read_from(run / journal.JOURNAL, 0)
    found = []
    last: journal.Entry | None = None
    begun: journal.Entry | None = None
    for entry in entries:
        if entry.kind == "event" and entry.values["status"] == "training":
            begun = entry
        elif entry.kind == "train":
            if begun and last and entry.step == begun.step + 1:
                found.append((last.step - begun.step, (entry.time - last.time) / 1000))
            begun = None
            if last is None or entry.time > last.time:  # what a checkpoint kept is told again
                last = entry
    return found


def longest_wait(run: Path) -> float:
    """The most seconds between two steps."""
    entries, _ = journal.read_from(run / journal.JOURNAL, 0)
    times = [entry.time for entry in entries if entry.kind == "train"]
    return max(later - earlier for earlier, later in pairwise(times)) / 1000


def check_curve(run: Path, undisturbed: Path, tolerance: float = TOLERANCE) -> float:
    """The largest relative difference to another run's curve; an assertion bounds it."""
    found, expected = curve(run), curve(undisturbed)
    assert list(found) == list(expected)
    worst = max(abs(found[step] - loss) / abs(loss) for step, loss in expected.items())
    assert worst < tolerance, f"the curves differ by {worst:.2e}"
    return worst


def check_weights(run: Path, undisturbed: Path) -> float:
    """How far all weights are from another run's at its end, of their length; bounded as well."""
    far, length = 0.0, 0.0
    for name in ("model.safetensors", "span_head.safetensors"):
        found, expected = (load_file(one / "last" / name) for one in (run, undisturbed))
        assert found.keys() == expected.keys()
        for key, weights in expected.items():
            far += float(((found[key] - weights) ** 2).sum())
            length += float((weights**2).sum())
    difference = math.sqrt(far / length)
    assert difference < WEIGHTS, f"the final weights differ by {difference:.2e}"
    return difference


def row(what: str, run: Path, undisturbed: Path, waited: float | None = None) -> dict[str, Any]:
    """A row of the table, after checking curve and weights, and that each row was used once.

    Args:
        what: died.
        run: the folder of the run.
        undisturbed: the run that it should be like.
        waited: seconds to the next step, if no worker had to begin again.
    """
    losses, weights = check_curve(run, undisturbed), check_weights(run, undisturbed)
    assert audit(run).against == []
    lost, seconds = zip(*restarts(run), strict=True) if restarts(run) else ((), ())
    waits = seconds if waited is None else (waited,)
    return {
        "what died": what,
        "steps lost": ", ".join(map(str, lost)) or "-",
        "seconds to the next step": ", ".join(f"{s:.1f}" for s in waits) or "-",
        "rows used twice or never": "none",
        "largest difference of the losses": f"{losses:.0e}",
        "difference of the final weights": f"{weights:.0e}",
    }
