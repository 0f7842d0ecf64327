"""Validation: held-out pairs under masks that never change.

Dev pairs are made into examples as in epoch 0 of the run's seed, always. Their answers are
projected through word alignments, not gold. CACR's negatives come from the micro-batch, also where
training takes them from the whole step, so that its validation losses compare with any other run's.
For the probes each sentence is also encoded alone: of the sources that is done anyway, for the
targets about 0.4 times the tokens come on top.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist

from clism_ray.config_losses import LossConfig
from clism_ray.corpus.manifest import windows
from clism_ray.corpus.rows import read_rows
from clism_ray.masking.collate import empty_batch, make_batch, with_targets_alone
from clism_ray.masking.microbatch import Recipe, examples_of, open_recipe
from clism_ray.masking.order import fixed_microbatches
from clism_ray.records import AlignedPair, Batch
from clism_ray.train.probes import encoded_pairs, probe_languages
from clism_ray.train.step import LOSSES, counts_of, loss_metrics, mean_losses, to_tensors

_EPOCH = 0
_BY_LANGUAGE = ("exact_L", "asked_L", "mlm_L", "masked_L")


def dev_pairs(recipe: Recipe, per_language: int) -> list[AlignedPair]:
    """The first dev pairs of each language pair; rows stand in hash order, so a fair sample."""
    kitchen = open_recipe(recipe)
    left = dict.fromkeys(kitchen.manifest.language_pairs, per_language)
    chosen = []
    for window in windows(kitchen.manifest.dev):
        for pair in read_rows(recipe.corpus, window, range(window.rows)):
            language = f"{pair.source_language}-{pair.target_language}"
            if left[language]:
                left[language] -= 1
                chosen.append(pair)
        if not any(left.values()):
            break
    return chosen


def dev_batches(
    recipe: Recipe, pairs: Sequence[AlignedPair], rank: int, workers: int, *, probes: bool
) -> list[Batch]:
    """This worker's validation micro-batches, as many on every worker; made for probes or not."""
    languages = open_recipe(recipe).manifest.language_pairs
    runs = fixed_microbatches(len(pairs), recipe.pairs)
    mine = []
    for run in runs[rank::workers]:
        taken = [pairs[row] for row in run]
        row_ids = [pair.row_id for pair in taken]
        mine.append(make_batch(row_ids, examples_of(recipe, taken, _EPOCH), languages))
    turns = -(-len(runs) // workers)
    mine += [empty_batch()] * (turns - len(mine))
    return [with_targets_alone(batch) for batch in mine] if probes else mine


@torch.no_grad()
def validate(
    engine: torch.nn.Module,
    batches: Sequence[Batch],
    weights: LossConfig,
    languages: Sequence[str],
    device: torch.device,
) -> dict[str, float]:
    """`validation/...` over all workers' micro-batches: the losses, and figures by language.

    `accuracy` is the share of questions whose start and end are both right, `perplexity` is
    exp(MLM loss), the `PROBES` are of sentence vectors. `validation/NAME/en-de` is of one language
    pair, `validation/NAME` the mean over them; what nothing was counted of is left out.
    """
    engine.eval()
    sums = torch.zeros(len(LOSSES) + 4 * len(languages), dtype=torch.float64)
    encoded = []
    for batch in batches:
        out = engine(to_tensors(batch, device), batch.offsets_N1.tolist())
        parts = [out[name][None] for name in LOSSES] + [out[name] for name in _BY_LANGUAGE]
        sums += torch.cat(parts).double().cpu()
        encoded += encoded_pairs(batch, out["alone_2BD"].cpu().numpy())
    engine.train()
    totals = all_sum(torch.cat([sums, counts_of(batches)]), device)
    means = mean_losses(dict(zip(LOSSES, totals, strict=False)), totals[-4:])
    exact_L, asked_L, mlm_L, masked_L = totals[len(LOSSES) : -4].chunk(4)
    asked = float(asked_L.sum())
    losses = loss_metrics(means, weights, asked > 0)
    figures = {
        "accuracy": _where_counted(languages, exact_L / asked_L, asked_L),
        "perplexity": _where_counted(languages, (mlm_L / masked_L).exp(), masked_L),
        **probe_languages(encoded, languages),
    }
    return {
        **{f"validation/{name}": value for name, value in losses.items()},
        **_named(figures),
        "validation/questions": asked,
    }


def _where_counted(
    languages: Sequence[str], value_L: torch.Tensor, count_L: torch.Tensor
) -> dict[str, float]:
    told = zip(languages, value_L.tolist(), count_L.tolist(), strict=True)
    return {language: value for language, value, count in told if count}


def _named(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Figures by language, and their means, under the names they are tracked by."""
    found = {}
    for name, values in figures.items():
        if values:
            found[f"validation/{name}"] = sum(values.values()) / len(values)
        found |= {f"validation/{name}/{language}": value for language, value in values.items()}
    return found


def all_sum(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The sum over all workers, on the CPU: in double precision, of whole numbers exactly."""
    shared = values.to(device, torch.float64 if values.is_floating_point() else torch.int64)
    dist.all_reduce(shared)
    return shared.cpu()
