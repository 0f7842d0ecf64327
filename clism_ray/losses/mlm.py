"""MLM: the tokens that were masked, guessed from what is left."""

from torch import Tensor
from torch.nn import functional as F

from clism_ray.records import IGNORED


def mlm_loss(
    logits_MV: Tensor, label_M: Tensor, language_M: Tensor, languages: int
) -> tuple[Tensor, Tensor]:
    """Sum of -log P(label) over the masked tokens of each language pair, and how many there are.

    V is the size of the vocabulary; both results have L values. IGNORED labels count nowhere.
    """
    losses_M = F.cross_entropy(logits_MV, label_M, ignore_index=IGNORED, reduction="none")
    zeros_L = losses_M.new_zeros(languages)
    counted_M = (label_M != IGNORED).to(losses_M.dtype)
    return zeros_L.index_add(0, language_M, losses_M), zeros_L.index_add(0, language_M, counted_M)
