"""Validation: held-out pairs under masks that never change.

Dev pairs are made into examples as in epoch 0 of the run's seed, always. Their answers are
projected through word alignments, not gold.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist

from clism_ray.config import LossConfig
from clism_ray.corpus.manifest import windows
from clism_ray.corpus.rows import read_rows
from clism_ray.masking.collate import empty_batch, make_batch
from clism_ray.masking.microbatch import Recipe, examples_of, open_recipe
from clism_ray.masking.order import fixed_microbatches
from clism_ray.records import AlignedPair, Batch
from clism_ray.train.step import LOSSES, counts_of, loss_metrics, mean_losses, to_tensors

_EPOCH = 0


def dev_pairs(recipe: Recipe, per_language: int) -> list[AlignedPair]:
    """The first dev pairs of each language pair; rows stand in hash order, so a fair sample."""
    kitchen = open_recipe(recipe)
    left = dict.fromkeys(kitchen.manifest.language_pairs, per_language)
    chosen = []
    for window in windows(kitchen.manifest.dev):
        for pair in read_rows(kitchen.folder, window, range(window.rows)):
            language = f"{pair.source_language}-{pair.target_language}"
            if left[language]:
                left[language] -= 1
                chosen.append(pair)
        if not any(left.values()):
            break
    return chosen


def dev_batches(
    recipe: Recipe, pairs: Sequence[AlignedPair], rank: int, workers: int
) -> list[Batch]:
    """This worker's validation micro-batches, as many on every worker."""
    languages = open_recipe(recipe).manifest.language_pairs
    runs = fixed_microbatches(len(pairs), recipe.pairs)
    mine = [
        make_batch(examples_of(recipe, [pairs[row] for row in run], _EPOCH), languages)
        for run in runs[rank::workers]
    ]
    turns = -(-len(runs) // workers)
    return mine + [empty_batch()] * (turns - len(mine))


@torch.no_grad()
def validate(
    engine: torch.nn.Module,
    batches: Sequence[Batch],
    weights: LossConfig,
    languages: Sequence[str],
    device: torch.device,
) -> dict[str, float]:
    """`validation/loss/...` and `validation/accuracy/...` over all workers' micro-batches.

    `validation/accuracy` is the mean over languages of the share of questions whose start and end
    are both right.
    """
    engine.eval()
    sums = torch.zeros(len(LOSSES) + 2 * len(languages), dtype=torch.float64)
    for batch in batches:
        out = engine(to_tensors(batch, device), batch.offsets_N1.tolist())
        parts = [out[name][None] for name in LOSSES] + [out["exact_L"], out["asked_L"]]
        sums += torch.cat(parts).double().cpu()
    engine.train()
    counts = counts_of(batches)
    totals = all_sum(torch.cat([sums, counts]), device)
    means = mean_losses(dict(zip(LOSSES, totals, strict=False)), totals[-4:])
    exact_L, asked_L = totals[len(LOSSES) : -4].chunk(2)
    found = {
        f"validation/accuracy/{language}": float(exact / asked)
        for language, exact, asked in zip(languages, exact_L, asked_L, strict=True)
        if asked
    }
    return {
        **{f"validation/{name}": value for name, value in loss_metrics(means, weights).items()},
        "validation/accuracy": sum(found.values()) / max(len(found), 1),
        **found,
        "validation/questions": float(asked_L.sum()),
    }


def all_sum(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The sum over all workers, on the CPU in double precision."""
    shared = values.to(device, torch.float64)
    dist.all_reduce(shared)
    return shared.cpu()
