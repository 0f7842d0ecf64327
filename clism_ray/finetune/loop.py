"""The loop each worker runs: optimizer steps on a cell's examples, then its test files.

The order is that of pre-training (`masking.order`), over one window that holds all rows, so a
cell's losses depend on its data, its settings and its seed alone. A cell that dies starts anew.
"""

import dataclasses
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray.train
import ray.train.torch
import torch
import torch.distributed as dist

from clism_ray.config_tasks import GoldFile
from clism_ray.corpus.manifest import file_sha256
from clism_ray.errors import InputError, RunFailed
from clism_ray.finetune.card import task_card
from clism_ray.finetune.cell import MODEL, CellResult, Score, write_result
from clism_ray.finetune.job import CellJob
from clism_ray.finetune.load import load_task
from clism_ray.finetune.plan import task_name, test_files
from clism_ray.finetune.pretraining import pretraining
from clism_ray.finetune.task import Judged, Task
from clism_ray.masking.order import Plan, Slot, rows_of, slot, slots_per_worker
from clism_ray.model.fingerprint import fingerprint
from clism_ray.train import journal
from clism_ray.train.engine import (
    Engine,
    backward,
    change_weights,
    full_weights,
    set_learning_rate,
    start_engine,
)
from clism_ray.train.group import report_entries
from clism_ray.train.precision import slow_products
from clism_ray.train.schedule import learning_rate
from clism_ray.train.status import FINISHED, TRAINING, WARNING, failed
from clism_ray.train.step import seed_dropout
from clism_ray.train.validate import all_sum
from clism_ray.train.worker import agree


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worker:
    """What one worker holds."""

    job: CellJob
    task: Task
    engine: Engine
    device: torch.device
    rank: int
    workers: int
    plan: Plan
    steps: int


def run(job: CellJob) -> None:
    """Train a cell and test it. All ranks run this together."""
    try:
        worker = _set_up(job)
        end = _run(worker)
    except (InputError, RunFailed) as error:  # on every rank, or on none
        end = journal.entry("event", 0, failed(error))
    report_entries([end])


def _set_up(job: CellJob) -> Worker:
    context = ray.train.get_context()
    rank, workers = context.get_world_rank(), context.get_world_size()
    config = job.config
    problem: InputError | None = None
    try:
        task = load_task(config)
        if rank == 0:
            planned = job.identity[task_name(config)]
            held = fingerprint(config.model.path, config.model.revision)
            _check_same(config.model.path, held, job.identity["model"])
            _check_same(task.train.file, task.train.sha256, planned["train"])
            for file in test_files(config.task):
                _check_same(str(file.path), file_sha256(file.path), planned["tests"][file.key])
        if not task.rows:
            problem = InputError(
                f"{task.train.file}: nothing in it can be trained on: {task.train.counts}"
            )
    except InputError as error:
        problem = error
    agree(problem)
    on_gpu = config.scaling.device == "cuda"
    device = ray.train.torch.get_device() if on_gpu else torch.device("cpu")
    if config.scaling.activation_checkpointing:
        encoder: Any = task.model.encoder
        encoder.activation_checkpointing_enable({"use_reentrant": False})
    plan = Plan((task.rows,), config.batch.examples, config.batch.slots, config.seed)
    return Worker(
        job=job,
        task=task,
        engine=start_engine(task.model.to(device), config, workers),
        device=device,
        rank=rank,
        workers=workers,
        plan=plan,
        steps=config.length.steps or (config.length.epochs or 0) * plan.steps,
    )


def _run(worker: Worker) -> journal.Entry:
    """Train, test, export; how the cell ended."""
    began = time.monotonic()
    config, loss = worker.job.config, math.nan
    begun = [journal.entry("event", 0, {"status": TRAINING, "steps": worker.steps})]
    if told := slow_products(config.precision, worker.device):
        begun.append(journal.entry("event", 0, {"status": WARNING, "problem": told}))
    report_entries(begun)
    for step in range(worker.steps):
        metrics = _take_step(worker, step)
        loss = metrics["loss/total"]
        if (step + 1) % config.tracking.log_every_steps == 0 or step + 1 == worker.steps:
            report_entries([journal.entry("train", step + 1, metrics)])
    judged = {file: _test(worker, file) for file in test_files(config.task)}
    weights = full_weights(worker.engine) if config.export else {}
    if worker.rank == 0:
        if config.export:
            card = task_card(worker.job, worker.task.train, worker.steps)
            worker.task.export(Path(worker.job.run) / MODEL, weights, card)
        _write(worker, judged, loss, time.monotonic() - began)
    dist.barrier()
    return journal.entry("event", worker.steps, {"status": FINISHED})


def _take_step(worker: Worker, step: int) -> dict[str, float]:
    """One optimizer step over all workers; all raise RunFailed if the loss is not finite."""
    began = time.monotonic()
    config, task, engine = worker.job.config, worker.task, worker.engine
    batches = list(_batches(worker, step))
    told = [sum(task.targets(rows) for _, rows in batches), sum(len(rows) for _, rows in batches)]
    shared = all_sum(torch.tensor(told, dtype=torch.float64), worker.device)
    targets, examples = shared.tolist()
    rate = learning_rate(config.optimizer, step, worker.steps)
    set_learning_rate(engine, rate)
    total = torch.zeros(1, dtype=torch.float64, device=worker.device)
    for turn, (place, rows) in enumerate(batches):
        seed_dropout(config.seed, place.epoch, place.microbatch or 0)
        loss = task.loss(engine, rows, worker.device) / max(targets, 1.0)
        backward(engine, loss)
        total += loss.detach().double()
        if turn < len(batches) - 1:  # DeepSpeed counts turns; the last one changes the weights
            engine.step()
    mean = float(all_sum(total, worker.device))
    if not math.isfinite(mean):
        raise RunFailed(f"the loss is not finite at step {step + 1}: {mean:g}")
    norm = change_weights(engine, step + 1)
    return {
        "loss/total": mean,
        "optimizer/learning_rate": rate,
        "optimizer/gradient_norm": norm,
        "data/examples": examples,
        "speed/examples_per_second": examples / (time.monotonic() - began),
    }


def _batches(worker: Worker, step: int) -> Iterator[tuple[Slot, list[int]]]:
    """This worker's micro-batches of a step, some perhaps empty."""
    plan = worker.plan
    for turn in range(slots_per_worker(plan.slots, worker.workers)):
        place = slot(plan, step, worker.rank, worker.workers, turn)
        parts = [] if place.microbatch is None else rows_of(plan, place.epoch, place.microbatch)
        yield place, [row for part in parts for row in part.rows]


def _test(worker: Worker, file: GoldFile) -> Judged | None:
    """What the model is worth on a file: on rank 0; None elsewhere."""
    batch, task = worker.job.config.batch, worker.task
    problem, part, judged = None, None, None
    try:
        part = task.predict(file, worker.rank, worker.workers, batch.slots * batch.examples)
    except (InputError, RunFailed) as error:
        problem = error
    agree(problem)
    parts: list[Any] | None = [None] * worker.workers if worker.rank == 0 else None
    dist.gather_object(part, parts)
    try:
        if parts:
            planned = worker.job.identity[task_name(worker.job.config)]["tests"][file.key]
            _check_same(str(file.path), file_sha256(file.path), planned)
            judged = task.judge(file, parts)
    except InputError as error:
        problem = error
    agree(problem)
    return judged


def _check_same(what: str, found: str, planned: str) -> None:
    """InputError if a model or a file is not what the cell says that it is."""
    if found != planned:
        raise InputError(f"{what}: changed since the cell was planned; start it again")


def _write(
    worker: Worker, judged: dict[GoldFile, Judged | None], loss: float, seconds: float
) -> None:
    job, config = worker.job, worker.job.config
    found = {file: one for file, one in judged.items() if one is not None}
    result = CellResult(
        name=config.name,
        task="qa" if config.qa else "ner",
        model=job.model,
        form=config.form,
        size=config.size,
        sample=config.sample,
        seed=config.seed,
        identity=job.identity,
        identity_hash=job.identity_hash,
        train=worker.task.train,
        steps=worker.steps,
        loss=loss,
        head=worker.task.head,
        seconds=seconds,
        scores={file.key: _score(file, one) for file, one in found.items()},
        pretraining=pretraining(config.model.path),
    )
    write_result(
        Path(job.run),
        result,
        {file.key: one.items for file, one in found.items()},
        {file.key: one.predictions for file, one in found.items()},
    )


def _score(file: GoldFile, judged: Judged) -> Score:
    return Score(
        test=file.test,
        language=file.language,
        column=file.column,
        averaged=file.averaged,
        file=file.path.name,
        sha256=file_sha256(file.path),
        items=len(next(iter(judged.items.values()))),
        metrics=judged.metrics,
        counts=judged.counts,
        tokenizer=judged.tokenizer,
    )
