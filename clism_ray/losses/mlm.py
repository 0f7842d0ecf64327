"""MLM: the tokens that were masked, guessed from what is left."""

from torch import Tensor
from torch.nn import functional as F

from clism_ray.records import IGNORED


def mlm_loss(logits_MV: Tensor, label_M: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of -log P(label) over the masked tokens, and how many there are (V: vocabulary)."""
    total = F.cross_entropy(logits_MV, label_M, ignore_index=IGNORED, reduction="sum")
    return total, (label_M != IGNORED).sum()
