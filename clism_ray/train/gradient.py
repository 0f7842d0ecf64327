"""The gradient of a global step: each micro-batch of a worker forward and backward."""

from collections.abc import Sequence

import torch
from torch import Tensor

from clism_ray.config import PretrainConfig
from clism_ray.masking.order import Slot
from clism_ray.records import Batch
from clism_ray.train.engine import Engine, backward
from clism_ray.train.negatives import Pull, pulls
from clism_ray.train.step import LOSSES, microbatch_loss, seed_dropout, to_tensors


def accumulate(
    engine: Engine,
    taken: Sequence[tuple[Slot, Batch]],
    counts: Tensor,
    config: PretrainConfig,
    device: torch.device,
) -> Tensor:
    """Add the gradient of this worker's micro-batches, for `engine.step` to apply.

    All ranks call it, with as many micro-batches.

    Args:
        engine: of the model.
        taken: the micro-batches, in turn.
        counts: `counts_of` all micro-batches of the step, on all workers.
        config: of the run.
        device: of the engine.

    Returns:
        Sums over this worker's micro-batches, in double precision: `LOSSES`, then how many
        questions were answered exactly and how many asked.
    """
    sums = torch.zeros(len(LOSSES) + 2, dtype=torch.float64, device=device)
    for turn, pull in enumerate(_pulls(engine, taken, config, device)):
        out = _forward(engine, *taken[turn], config.seed, device)
        cached_3BD = pull.cached_3BD if pull else None
        backward(engine, microbatch_loss(out, counts, config.losses, cached_3BD))
        told = {**out, **(pull.terms if pull else {})}
        parts = [told[name] for name in LOSSES] + [out["exact_L"].sum(), out["asked_L"].sum()]
        sums += torch.stack(parts).detach().double()
        if turn < len(taken) - 1:  # DeepSpeed counts turns; the last one changes the weights
            engine.step()
    return sums


@torch.no_grad()
def _vectors(engine: Engine, slot: Slot, batch: Batch, seed: int, device: torch.device) -> Tensor:
    vectors: Tensor = _forward(engine, slot, batch, seed, device, vectors_alone=True)["pooled_3BD"]
    return vectors


def _pulls(
    engine: Engine,
    taken: Sequence[tuple[Slot, Batch]],
    config: PretrainConfig,
    device: torch.device,
) -> Sequence[Pull | None]:
    """What the rest of the step is to each micro-batch; nothing where negatives are its own."""
    if config.losses.cacr.negatives == "micro_batch":
        return [None] * len(taken)
    return pulls(
        [_vectors(engine, slot, batch, config.seed, device) for slot, batch in taken],
        [to_tensors(batch, device) for _, batch in taken],
        config.batch.slots,
        config.batch.pairs,
        config.losses.cacr.temperature,
    )


def _forward(
    engine: Engine,
    slot: Slot,
    batch: Batch,
    seed: int,
    device: torch.device,
    vectors_alone: bool = False,
) -> dict[str, Tensor]:
    """A micro-batch through the engine, under its own dropout."""
    seed_dropout(seed, slot.epoch, slot.microbatch or 0)
    out: dict[str, Tensor] = engine(
        to_tensors(batch, device), batch.offsets_N1.tolist(), vectors_alone
    )
    return out
