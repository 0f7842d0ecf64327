"""The models of a run as Hugging Face folders, written beside training: `best`, and `last`."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clism_ray.errors import RunFailed
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.export import export_model
from clism_ray.train.beside import GO_ON, begin, make_room, nothing, settle
from clism_ray.train.engine import full_weights, parameter_count
from clism_ray.train.job import TrainJob
from clism_ray.train.room import START_AGAIN
from clism_ray.train.run import write_json
from clism_ray.train.status import WARNING
from clism_ray.train.validate import all_sum
from clism_ray.train.worker import Worker, note

MODEL = "model"  # a kind of writing
BEST = "best"
_BYTES_EXPORTED = 4


def export(
    worker: Worker,
    name: str,
    score: dict[str, float] | None = None,
    then: Callable[[], Any] = nothing,
    with_head: bool | None = None,
    *,
    needed: bool = False,
) -> Future[Any] | None:
    """Begin to write the model as a Hugging Face folder `<run>/<name>`; `settle` ends it.

    All ranks call it. None, with a warning in the journal, if there is no room for a model that is
    not needed; for one that is, all ranks raise RunFailed.

    Args:
        worker: this one.
        name: of the folder.
        score: kept in `<name>.json`.
        then: called by the first worker when all is written; what it gives is the result.
        with_head: whether the span head is written too; default: if anything trains it, for a head
            as it was drawn would look trained.
        needed: whether the run ends if it cannot be written.
    """
    settle(worker, MODEL)
    folder, what = Path(worker.job.run) / name, f"the exported model of step {worker.step}"
    size = parameter_count(worker.engine.module) * _BYTES_EXPORTED
    try:
        make_room(worker, size, what, START_AGAIN if needed else GO_ON)
    except RunFailed as full:
        if needed:
            raise
        note(worker, "event", {"status": WARNING, "problem": str(full)})
        return None
    weights = full_weights(worker.engine)
    if not (worker.job.config.trains_head if with_head is None else with_head):
        weights = {name: w for name, w in weights.items() if not name.startswith("span_head.")}
    write = partial(_write, worker, folder, weights, score, then) if worker.rank == 0 else nothing
    return begin(worker, MODEL, f"{what} in {folder}", size, write, needed=needed)


def export_best(worker: Worker, found: dict[str, float]) -> None:
    """Export the model as `best` if a validation has found that it is."""
    settle(worker, MODEL)
    score = score_of_best(worker.job, found)
    better = torch.tensor([float(score is not None)])
    if all_sum(better, worker.device).item() == worker.workers:
        export(worker, BEST, score)


def score_of_best(job: TrainJob, found: dict[str, float]) -> dict[str, float] | None:
    """The score of a model that learns to answer, if none before answered the same better."""
    if "validation/accuracy" not in found or not job.config.trains_head:
        return None
    run = Path(job.run)
    score = {name: found[f"validation/{name}"] for name in ("accuracy", "questions")}
    path = run / f"{BEST}.json"
    if (run / BEST).is_dir() and path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["questions"] == score["questions"] and score["accuracy"] <= known["accuracy"]:
            return None
    return score


def _write(
    worker: Worker,
    folder: Path,
    weights: dict[str, Tensor],
    score: dict[str, float] | None,
    then: Callable[[], Any],
) -> Any:
    tokenizer = load_tokenizer(worker.job.recipe.tokenizer)  # of its family's class
    masked_lm = worker.engine.module.masked_lm
    export_model(folder, masked_lm, weights, tokenizer, worker.job.card)
    if score:
        write_json(folder.with_suffix(".json"), dict(score))
    return then()
