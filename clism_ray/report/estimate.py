"""What a run will take, as tables for a terminal or as JSON for programs."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from clism_ray.train.activations import Load
from clism_ray.train.cost import Batches
from clism_ray.train.estimate import Estimate
from clism_ray.train.memory import STAGES, Memory, fits

_PARTS = ("weights", "gradients", "optimizer", "activations", "copies", "logits", "buffers")


def show_estimate(found: Estimate, console: Console) -> None:
    """Print an estimate."""
    for line in lines(found):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(memory_table(found))
    for line in spending(found):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def to_json(found: Estimate) -> str:
    """The same for programs: bytes, seconds and FLOPs, what is derived included."""
    tree = dataclasses.asdict(found)
    tree["batches"] |= {
        name: getattr(found.batches, name)
        for name in ("turns", "global_batch", "empty", "steps_per_epoch", "epochs", "pairs_seen")
    }
    tree["memory"] = {
        name: [{**dataclasses.asdict(stage), "peak": stage.peak} for stage in stages]
        for name, stages in found.memory.items()
    }
    return json.dumps(tree, indent=1)


def lines(found: Estimate) -> Iterator[str]:
    """The model, its steps and its micro-batches."""
    shape = found.shape
    yield (
        f"{found.name}: {found.start}, {shape.parameters:,} parameters ({shape.layers} layers of "
        f"{shape.hidden}, {shape.vocabulary:,} tokens), {found.precision} on {found.device}, "
        f"ZeRO {found.stage}"
    )
    yield _steps(found.batches)
    usual, largest = found.usual, found.largest
    yield f"a micro-batch: {_load(usual)}; the largest that may come: {_load(largest)}"
    yield from (f"assumed: {what}" for what in found.assumed)


def memory_table(found: Estimate) -> Table:
    """A row for each ZeRO stage; a micro-batch is the largest that may come."""
    again = ", recomputed" if found.recompute else ""
    table = Table(
        title="memory of a worker, GiB, with the largest micro-batch", title_justify="left"
    )
    shown = [*_PARTS, *["saving"] * (found.device == "cpu")]  # from a GPU, on its host
    for name in ("ZeRO", *shown, "peak", "usual peak", "recomputing"):
        table.add_column(name, justify="right")
    if found.gpu_gib:
        table.add_column(f"fits {found.gpu_gib:g} GiB")
    for stage in STAGES:
        memory, usual = (found.memory[f"{load}{again}"][stage] for load in ("largest", "usual"))
        parts = [gib(getattr(memory, part)) for part in shown]
        peaks = [gib(m.peak) for m in (memory, usual, found.memory["largest, recomputed"][stage])]
        verdict = [fit(found, stage)] if found.gpu_gib else []
        mark = "*" if stage == found.stage else ""
        table.add_row(f"{mark}{stage}", *parts, *peaks, *verdict)
    return table


def fit(found: Estimate, stage: int) -> str:
    """Whether a stage fits the GPU that was named, and on what condition."""

    def holds(memory: Memory) -> bool:
        return fits(memory.peak, found.gpu_gib or 0.0)

    kinds = {name: holds(stages[stage]) for name, stages in found.memory.items()}
    if kinds["largest, recomputed" if found.recompute else "largest"]:
        return "yes"
    if kinds["usual, recomputed" if found.recompute else "usual"]:
        return "usual ones"
    return "recomputing" if kinds["largest, recomputed"] else "no"


def spending(found: Estimate) -> Iterator[str]:
    """Time, disk and network."""
    steps, seconds = found.batches.steps, found.seconds
    yield f"work:       {found.operations / 1e12:,.2f} TFLOP a step"
    if seconds is None:
        yield f"time:       {found.speed}"
    else:
        whole = timedelta(seconds=round(seconds * steps))
        yield f"time:       {seconds:,.3g} s a step, {whole} for {steps:,} steps ({found.speed})"
    yield (
        f"disk:       {gib(found.checkpoint)} GiB a checkpoint, {gib(found.exported)} GiB an "
        f"exported model, up to {gib(found.disk)} GiB in all"
    )
    sent = ", ".join(f"ZeRO {stage} {gib(size)}" for stage, size in found.sent.items())
    yield f"network:    GiB that a worker sends in a step: {sent}"
    yield (
        f"host:       {gib(4 * found.shape.parameters)} GiB of memory for each worker while it "
        "starts, and for the first one while it exports"
        + f"; {gib(found.copied)} GiB more while a checkpoint is written"
        * bool(found.copied)
    )


def gib(size: float) -> str:
    """Bytes as GiB, with digits enough for small ones."""
    return f"{size / 2**30:,.3g}" if size < 2**30 else f"{size / 2**30:,.2f}"


def _steps(batches: Batches) -> str:
    empty = f", {batches.empty} slots empty" if batches.empty else ""
    told = (
        f"{batches.slots} slots of {batches.pairs} pairs = {batches.global_batch:,} pairs a step; "
        f"{batches.workers} workers take {batches.turns} in turn{empty}; "
    )
    if batches.rows is None:
        return f"{told}{batches.steps:,} steps visit {batches.pairs_seen:,} pairs"
    return (
        f"{told}{batches.steps_per_epoch:,} steps an epoch of {batches.rows:,} pairs; "
        f"{batches.steps:,} steps visit {batches.pairs_seen:,} pairs, {batches.epochs:.2f} epochs"
    )


def _load(load: Load) -> str:
    parts: dict[str, Any] = {"tokens": load.tokens, "questions": load.questions}
    told = ", ".join(f"{value:,.0f} {name}" for name, value in parts.items())
    return f"{load.pairs:.0f} pairs, {told}, {load.masked:,.0f} masked tokens"
