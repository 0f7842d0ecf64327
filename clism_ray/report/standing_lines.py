"""Where a run stands, for a person and for a program."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from clism_ray.passwords import masked
from clism_ray.report.standing import Standing
from clism_ray.train.journal import Entry
from clism_ray.train.progress import describe


def as_json(found: Sequence[Standing]) -> str:
    """A list of objects with the fields of `Standing`."""
    return json.dumps([dataclasses.asdict(standing) for standing in found], indent=1)


def as_lines(standing: Standing) -> Iterator[str]:
    """What a person wants to know first comes first."""
    driver = f", driven by {standing.driver}" if standing.driver else ""
    yield f"{standing.kind} {standing.name}: {standing.status}{driver}"
    if standing.problem:
        yield f"  problem     {standing.problem}"
    if standing.parts:
        yield "  parts       " + ", ".join(f"{n} {what}" for what, n in standing.parts.items() if n)
    yield from _progress(standing)
    if standing.checkpoint_step is not None and standing.checkpoint_seconds_ago is not None:
        ago = _ago(standing.checkpoint_seconds_ago)
        yield f"  checkpoint  step {standing.checkpoint_step}, {ago}"
    if standing.workers_lost:
        yield f"  workers     lost {standing.workers_lost} times"
    yield f"  folder      {standing.folder}"
    if standing.model:
        yield f"  model       {standing.model}"
    run = standing.mlflow_run or "not there yet"
    yield f"  MLflow      {masked(str(standing.mlflow_uri))}   (run {run})"
    for part in standing.running:
        for line in (f"{part.kind} {part.name}: {part.status}", *_progress(part)):
            yield f"    {line}"


def _progress(standing: Standing) -> Iterator[str]:
    step, steps = standing.step or 0, standing.steps
    values = standing.train
    if steps and "speed/pairs_per_second" in values:
        pace = (standing.seconds_left or 0.0) / max(1, steps - step)
        line = describe(Entry(0, "train", step, values), steps, pace, person=True)
        yield "  " + (line if standing.seconds_left else line.rpartition("  left ")[0])
    elif values:
        left = standing.seconds_left
        rest = "" if left is None else f"  left {timedelta(seconds=round(left))}"
        yield f"  step {step:>6}/{steps or '?'}  loss {values['loss/total']:7.3f}{rest}"
    elif steps:
        yield f"  step {step:>6}/{steps}"
    if standing.validation_step is not None:
        entry = Entry(0, "validation", standing.validation_step, standing.validation)
        yield "  " + describe(entry, steps or 0, 0.0, person=True)
    if standing.reported_seconds_ago is not None:
        yield f"  reported    {_ago(standing.reported_seconds_ago)}"


def _ago(seconds: float) -> str:
    return f"{timedelta(seconds=round(seconds))} ago"
