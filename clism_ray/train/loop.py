"""The loop each worker runs: micro-batches from the stream, optimizer steps, validation.

Ray Train starts `train` on every worker, again after every failure; where the run stands is read
from its newest complete checkpoint.
"""

import math
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from clism_ray.masking.examples import DROP_REASONS
from clism_ray.masking.order import Slot, slots_per_worker
from clism_ray.masking.stream import stream
from clism_ray.records import Batch
from clism_ray.train import journal
from clism_ray.train.engine import backward, set_learning_rate
from clism_ray.train.job import TrainJob
from clism_ray.train.schedule import learning_rate
from clism_ray.train.step import (
    LOSSES,
    counts_of,
    loss_metrics,
    mean_losses,
    seed_dropout,
    to_tensors,
    total_loss,
)
from clism_ray.train.validate import all_sum, validate
from clism_ray.train.worker import Worker, export, report, resume, save, set_up


def train(job: TrainJob) -> None:
    """Run a training job from where it stands to its end. All ranks run this together."""
    worker = set_up(job)
    config = job.config
    step = saved = resume(worker)
    began = time.monotonic()
    if step == 0:
        note_validation(worker, 0)
    for taken in steps(worker, step, began):
        problem = taken.pop("problem", None)
        if problem:
            return report(worker, {"status": "failed", "step": step, "problem": problem})
        step += 1
        worker.entries.append(journal.entry("train", step, taken))
        last = step == worker.job.steps
        if last or step % config.validation.every_steps == 0:
            note_validation(worker, step)
        due = last or step % config.checkpoint.every_steps == 0
        if due or step % config.tracking.log_every_steps == 0:
            report(worker)  # before the checkpoint: steps it holds do not run again
        if due:
            if not save(worker, step):
                return None
            saved = step
    if step < worker.job.steps:  # out of time
        report(worker)
        if step > saved and not save(worker, step):
            return None
        return report(worker, {"status": "stopped", "step": step})
    export(worker, "last")
    return report(worker, {"status": "finished", "step": step})


def steps(worker: Worker, start: int, began: float) -> Iterator[dict[str, Any]]:
    """The metrics of each step from `start` on, as it is done."""
    config = worker.job.config
    turns = slots_per_worker(config.batch.slots, worker.workers)
    batches = stream(
        worker.job.recipe,
        start,
        worker.job.steps,
        worker.rank,
        worker.workers,
        config.scaling.cpus_per_data_task,
    )
    limit = math.inf if config.max_minutes is None else config.max_minutes * 60
    for step in range(start, worker.job.steps):
        asked = time.monotonic()
        taken = [next(batches) for _ in range(turns)]
        waited = time.monotonic() - asked
        over = step > start and time.monotonic() - began > limit  # every start gets on
        metrics = take_step(worker, step, taken, over)
        if metrics is None:
            return
        took = time.monotonic() - asked
        yield {**metrics, **speed(metrics, took, waited)}


def take_step(
    worker: Worker, step: int, taken: list[tuple[Slot, Batch]], over: bool
) -> dict[str, Any] | None:
    """One optimizer step over all workers; None if any of them is out of time."""
    config = worker.job.config
    batches = [batch for _, batch in taken]
    dropped = [sum(batch.dropped.get(reason, 0) for batch in batches) for reason in DROP_REASONS]
    told = torch.cat([counts_of(batches), torch.tensor([float(over), *map(float, dropped)])])
    shared = all_sum(told, worker.device)
    counts, dropped_all = shared[:4], shared[5:]
    if shared[4]:
        return None
    rate = learning_rate(config.optimizer, step, worker.job.steps)
    set_learning_rate(worker.engine, rate)
    sums = torch.zeros(len(LOSSES) + 2, dtype=torch.float64, device=worker.device)
    for turn, (slot, batch) in enumerate(taken):
        seed_dropout(config.seed, slot.epoch, slot.microbatch or 0)
        out = worker.engine(to_tensors(batch, worker.device), batch.offsets_N1.tolist())
        backward(worker.engine, total_loss(mean_losses(out, counts), config.losses))
        parts = [out[name] for name in LOSSES] + [out["exact_L"].sum(), out["asked_L"].sum()]
        sums += torch.stack(parts).detach().double()
        if turn < len(taken) - 1:  # DeepSpeed counts turns; the last one changes the weights
            worker.engine.step()
    totals = all_sum(sums, worker.device)
    means = mean_losses(dict(zip(LOSSES, totals, strict=False)), counts)
    losses = loss_metrics(means, config.losses)
    if not math.isfinite(losses["loss/total"]):
        lost = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        return {"problem": f"the loss is not finite at step {step + 1}: {lost}"}
    worker.engine.step()
    norm = worker.engine.get_global_grad_norm()
    if norm is not None and not 0 <= float(norm) < math.inf:  # DeepSpeed says -1, and steps
        return {"problem": f"the gradient is not finite at step {step + 1}, though the loss is"}
    return {
        **losses,
        "accuracy/train": float(totals[-2] / max(float(totals[-1]), 1.0)),
        "optimizer/learning_rate": rate,
        **({} if norm is None else {"optimizer/gradient_norm": float(norm)}),
        "data/pairs": float(counts[1]),
        "data/questions": float(counts[0]),
        "data/tokens": float(counts[3]),
        **{
            f"dropped/{reason}": float(count)
            for reason, count in zip(DROP_REASONS, dropped_all, strict=True)
            if count
        },
    }


def speed(metrics: dict[str, Any], took: float, waited: float) -> dict[str, float]:
    """What a step cost: throughput, the share of it spent waiting for data, memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = {
        "speed/pairs_per_second": metrics.get("data/pairs", 0.0) / took,
        "speed/tokens_per_second": metrics.get("data/tokens", 0.0) / took,
        "speed/data_wait": waited / took,
        "memory/worker_gib": peak,
    }
    if torch.cuda.is_available():
        found["memory/device_gib"] = torch.cuda.max_memory_allocated() / 2**30
    return found


def note_validation(worker: Worker, step: int) -> None:
    """Validate, and export the model if it is the best so far."""
    if not worker.dev:
        return
    found = validate(
        worker.engine, worker.dev, worker.job.config.losses, worker.languages, worker.device
    )
    worker.entries.append(journal.entry("validation", step, found))
    report(worker)
    best, score = (Path(worker.job.run) / name for name in ("best", "best.accuracy"))
    accuracy = found["validation/accuracy"]
    known = best.is_dir() and score.is_file()
    better = not known or accuracy > float(score.read_text())
    if step and all_sum(torch.tensor([float(better)]), worker.device).item() == worker.workers:
        export(worker, "best")
        if worker.rank == 0:
            temporary = score.with_suffix(".tmp")
            temporary.write_text(repr(accuracy))
            temporary.rename(score)
