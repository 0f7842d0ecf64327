"""The loop each worker runs: micro-batches from the stream, optimizer steps, validation.

Ray Train starts `train` on every worker, again after every failure; where the run stands is read
from its newest complete checkpoint.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from clism_ray.errors import InputError, RunFailed, UnusableInput, input_error_in
from clism_ray.masking.examples import DROP_REASONS
from clism_ray.masking.ledger import MODULUS, digest_of
from clism_ray.masking.order import Slot, slots_per_worker
from clism_ray.masking.stream import stream
from clism_ray.records import Batch
from clism_ray.train import journal
from clism_ray.train.alive import silent_losses
from clism_ray.train.beside import end_writing, settle
from clism_ray.train.engine import change_weights, set_learning_rate
from clism_ray.train.gradient import accumulate
from clism_ray.train.group import node_leaves, report, report_entries, set_up
from clism_ray.train.job import TrainJob
from clism_ray.train.models import export, export_best
from clism_ray.train.precision import slow_products
from clism_ray.train.resize import asked_to_save, stand_still, tell_saved
from clism_ray.train.saving import resume, save
from clism_ray.train.schedule import learning_rate
from clism_ray.train.speed import speed
from clism_ray.train.status import FINISHED, STOPPED, TRAINING, WARNING, failed
from clism_ray.train.step import (
    LOSSES,
    counts_of,
    loss_metrics,
    mean_losses,
)
from clism_ray.train.stop import asked_to_stop
from clism_ray.train.validate import all_sum, validate
from clism_ray.train.validator import begin_validation, collect, take_up
from clism_ray.train.worker import Worker, agree, note

# Between reports, however long steps take: a node that leaves is told of at a report, and may give
# half a minute of notice.
_REPORT_SECONDS = 5.0


def train(job: TrainJob) -> None:
    """Run a training job from where it stands to its end. All ranks run this together."""
    try:
        worker = set_up(job)
    except (InputError, RunFailed) as error:  # on every rank, or on none; so below
        return report_entries([journal.entry("event", 0, failed(error))])
    try:
        resume(worker)
        take_up(worker)
        end = _train(worker)
    except RunFailed as error:
        end = failed(error)
        end_writing(worker)
        dist.barrier()  # one may write for longer than Ray Train's report waits for it
    note(worker, "event", end)
    return report(worker)


def _train(worker: Worker) -> dict[str, Any]:
    """Take the steps that are left; how the run ended."""
    job = worker.job
    begun = saved = worker.step
    _note_begin(worker)
    for metrics in steps(worker):
        worker.step += 1
        note(worker, "train", metrics)
        if worker.step == begun + 1 and (silent := silent_losses(metrics, job.config.losses)):
            note(worker, "event", {"status": WARNING, "problem": "; ".join(silent)})
        if _due(worker, job.config.validation.every_steps):
            note_validation(worker)
        to_save = worker.resizing or _due(worker, job.config.checkpoint.every_steps)
        if to_save or worker.report_due or _due(worker, job.config.tracking.log_every_steps):
            settle(worker, wait=False)
            collect(worker)
            report(worker)
            to_save = node_leaves(worker) or to_save
        if to_save:
            save(worker)
            saved = worker.step
            _make_way(worker)
    if worker.step == job.steps:
        collect(worker, wait=True)
        export(worker, "last", needed=True)
        settle(worker)
        return {"status": FINISHED}
    report(worker)
    if worker.step > saved:
        save(worker)
    settle(worker)
    return {"status": STOPPED}


def _make_way(worker: Worker) -> None:
    """See a checkpoint to its end where there may be no time for another step.

    Where others go on in place of these workers, the first one then stands still, and with it all
    those that wait for it in their next step.
    """
    if worker.leaving or worker.resizing:
        settle(worker)
    if worker.resizing and worker.step < worker.job.steps:
        report(worker)  # what was noted as it was written would end with them
        if worker.rank == 0:
            tell_saved(Path(worker.job.run))
            stand_still(Path(worker.job.run))


def _note_begin(worker: Worker) -> None:
    note(worker, "event", {"status": TRAINING, "workers": worker.workers})
    if told := slow_products(worker.job.config.precision, worker.device):
        note(worker, "event", {"status": WARNING, "problem": told})
    if worker.step == 0:
        note_validation(worker)


def _due(worker: Worker, every: int) -> bool:
    return worker.step % every == 0 or worker.step == worker.job.steps


def steps(worker: Worker) -> Iterator[dict[str, Any]]:
    """The metrics of each step that is left, as it is done; ends early when it has to stop."""
    job, config, start = worker.job, worker.job.config, worker.step
    turns = slots_per_worker(config.batch.slots, worker.workers)
    rank, workers = worker.rank, worker.workers
    batches = stream(job.recipe, start, job.steps, rank, workers, config.scaling)
    for step in range(start, job.steps):
        asked = time.monotonic()
        taken, problem = _take(batches, turns)
        waited = time.monotonic() - asked
        # Every start gets on by a step at least.
        over = step > start and _has_to_stop(worker)
        metrics = take_step(worker, step, taken, over, problem)
        if metrics is None:
            return
        took = time.monotonic() - asked
        yield {**metrics, **speed(metrics, took, waited)}


def _has_to_stop(worker: Worker) -> bool:
    """Whether time is up, or somebody asked; the first worker asks for all."""
    deadline = worker.job.deadline
    late = deadline is not None and time.time() > deadline
    return late or (worker.rank == 0 and asked_to_stop(Path(worker.job.run)))


def _has_to_resize(worker: Worker) -> bool:
    """Whether others are to go on in place of these workers; the first one asks for all."""
    elastic = worker.rank == 0 and worker.job.config.scaling.min_workers
    return bool(elastic) and asked_to_save(Path(worker.job.run))


def _take(
    batches: Iterator[tuple[Slot, Batch]], turns: int
) -> tuple[list[tuple[Slot, Batch]], UnusableInput | None]:
    """A step's micro-batches, or why there are none: a shard that is gone, a row that is wrong."""
    try:
        return [next(batches) for _ in range(turns)], None
    except Exception as error:
        told = input_error_in(error)
        if told is None:
            raise
        return [], UnusableInput(str(told).splitlines()[0])  # Ray Data adds advice of its own


def take_step(
    worker: Worker,
    step: int,
    taken: list[tuple[Slot, Batch]],
    over: bool,
    problem: UnusableInput | None,
) -> dict[str, Any] | None:
    """One optimizer step over all workers; None if any of them has to stop.

    All ranks raise RunFailed if one has a problem, or if a loss or a gradient is not finite.
    """
    config = worker.job.config
    batches = [batch for _, batch in taken]
    dropped = [sum(batch.dropped.get(reason, 0) for batch in batches) for reason in DROP_REASONS]
    late = worker.rank == 0 and time.monotonic() - worker.reported > _REPORT_SECONDS
    flags = [over, problem is not None, late, _has_to_resize(worker)]
    more = [*map(int, flags), digest_of(batches), *dropped]
    shared = all_sum(torch.cat([counts_of(batches).long(), torch.tensor(more)]), worker.device)
    counts, dropped_all = shared[:4].double(), shared[9:]
    worker.report_due, worker.resizing = bool(shared[6]), bool(shared[7])
    if shared[5]:
        agree(problem)
    if shared[4]:
        return None
    rate = learning_rate(config.optimizer, step, worker.job.steps)
    set_learning_rate(worker.engine, rate)
    sums = accumulate(worker.engine, taken, counts, config, worker.device)
    totals = all_sum(sums, worker.device)
    means = mean_losses(dict(zip(LOSSES, totals, strict=False)), counts)
    asked = float(totals[-1])
    losses = loss_metrics(means, config.losses, asked > 0)
    if not math.isfinite(losses["loss/total"]):
        lost = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        raise RunFailed(f"the loss is not finite at step {step + 1}: {lost}")
    norm = change_weights(worker.engine, step + 1)
    return {
        **losses,
        **({"accuracy/train": float(totals[-2]) / asked} if asked else {}),
        "optimizer/learning_rate": rate,
        "optimizer/gradient_norm": norm,
        "data/pairs": float(counts[1]),
        "data/questions": float(counts[0]),
        "data/tokens": float(counts[3]),
        "data/row_digest": int(shared[8]) % MODULUS,
        **{
            f"dropped/{reason}": float(count)
            for reason, count in zip(DROP_REASONS, dropped_all, strict=True)
            if count
        },
    }


def note_validation(worker: Worker) -> None:
    """Validate, or begin to, and export the model if it is the best so far.

    Without questions, none is.
    """
    if not worker.dev:
        return
    if worker.job.config.validation.beside:
        begin_validation(worker)
        return
    weights = worker.job.config.losses
    found = validate(worker.engine, worker.dev, weights, worker.languages, worker.device)
    note(worker, "validation", found)
    report(worker)
    if worker.step:
        export_best(worker, found)
