"""One optimizer step, in plain torch: micro-batches in, the weighted and normalised loss out.

A step's losses are sums over all its slots divided by counts over all its slots. The counts are
known from the batches before any forward, so each micro-batch's share can be divided at once and
neither the number of workers nor the number of examples in a slot bends the gradient.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clism_ray.config import PretrainConfig
from clism_ray.config_losses import LossConfig
from clism_ray.losses.cacr import TERMS
from clism_ray.randomness import Use, torch_seed
from clism_ray.records import IGNORED, Batch
from clism_ray.tasks.probes import PROBES

LOSSES = ("clism", *TERMS, "mlm")
COUNTS = ("questions", "pairs", "masked", "tokens")
_COUNT_OF = {"clism": "questions", "mlm": "masked", **dict.fromkeys(TERMS, "pairs")}


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The arrays of a micro-batch on a device."""
    return {
        field.name: torch.from_numpy(getattr(batch, field.name)).to(device, non_blocking=True)
        for field in dataclasses.fields(batch)
        if field.name != "dropped"
    }


def counts_of(batches: Sequence[Batch]) -> Tensor:
    """What the losses of some micro-batches are divided by, in the order of `COUNTS`."""
    rows = [
        (
            np.count_nonzero(batch.start_Q != IGNORED),
            np.count_nonzero(batch.row_id_B >= 0),
            np.count_nonzero(batch.label_M != IGNORED),
            len(batch.ids_T) if batch.row_id_B[0] >= 0 else 0,
        )
        for batch in batches
    ]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, len(COUNTS)).sum(0)


def mean_losses(sums: dict[str, Tensor], counts: Tensor) -> dict[str, Tensor]:
    """Each of `LOSSES` per question, pair or masked token; 0 where nothing was counted."""
    divisors = dict(zip(COUNTS, counts.tolist(), strict=True))
    return {name: sums[name] / max(divisors[_COUNT_OF[name]], 1.0) for name in LOSSES}


def loss_metrics(means: dict[str, Tensor], weights: LossConfig, asked: bool) -> dict[str, float]:
    """The losses under the names they are tracked by; CACR's sum and its terms apart.

    Where nothing was asked there is no CLISM to tell of.
    """
    terms = {f"cacr/{term}": float(means[term]) for term in TERMS}
    return {
        "loss/total": float(total_loss(means, weights)),
        **({"loss/clism": float(means["clism"])} if asked else {}),
        "loss/cacr": sum(terms.values()),
        "loss/mlm": float(means["mlm"]),
        **terms,
    }


def metric_names(config: PretrainConfig, languages: Sequence[str]) -> list[str]:
    """What a run logs by step that says how good it is."""
    asked = config.masking.questions
    losses = list(loss_metrics(dict.fromkeys(LOSSES, torch.zeros(())), LossConfig(), asked))
    held_out = ["accuracy"] * asked + ["perplexity"] + [*PROBES] * config.validation.probes
    of_languages = [f"{name}/{language}" for name in held_out for language in languages]
    validation = [f"validation/{name}" for name in (*losses, *held_out, *of_languages)]
    return [*losses, *["accuracy/train"] * asked, *validation]


def total_loss(means: dict[str, Tensor], weights: LossConfig) -> Tensor:
    """L = L_clism + L_cacr + L_mlm with their weights (eq. 9); L_cacr is the sum of its terms."""
    cacr = sum((means[term] for term in TERMS), start=torch.zeros_like(means["clism"]))
    return (
        weights.clism.weight * means["clism"]
        + weights.cacr.weight * cacr
        + weights.mlm.weight * means["mlm"]
    )


def microbatch_loss(
    out: dict[str, Tensor], counts: Tensor, weights: LossConfig, cached_3BD: Tensor | None = None
) -> Tensor:
    """A micro-batch's share of the step's loss.

    With `cached_3BD`, the gradient of CACR over the whole step with respect to the micro-batch's
    vectors (see `negatives`), the share has the gradient that it should have, but not the value.
    """
    if cached_3BD is not None:
        pull = (out["pooled_3BD"] * cached_3BD).sum()
        out = {**out, **dict.fromkeys(TERMS, pull / len(TERMS))}  # the terms have one weight
    return total_loss(mean_losses(out, counts), weights)


def seed_dropout(seed: int, epoch: int, microbatch: int) -> None:
    """Make dropout depend on the micro-batch alone, not on which worker runs it."""
    torch.manual_seed(torch_seed(Use.DROPOUT, seed, epoch, microbatch))
