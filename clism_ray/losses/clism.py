"""CLISM: each `[QUE]` points at the first and the last token of its answer (paper, eq. 1 to 4)."""

from torch import Tensor
from torch.nn import functional as F

from clism_ray.records import IGNORED


def clism_loss(
    start_scores_QT: Tensor, end_scores_QT: Tensor, start_Q: Tensor, end_Q: Tensor
) -> tuple[Tensor, Tensor]:
    """Sum over questions of -log P(start = answer start) - log P(end = answer end), and how many.

    Args:
        start_scores_QT: x_k . s_q for every token k; minus infinity outside q's own sequence.
        end_scores_QT: x_k . e_q, likewise.
        start_Q: position of the answer's first token, or IGNORED.
        end_Q: position of its last token, or IGNORED.
    """
    start = F.cross_entropy(start_scores_QT, start_Q, ignore_index=IGNORED, reduction="sum")
    end = F.cross_entropy(end_scores_QT, end_Q, ignore_index=IGNORED, reduction="sum")
    return start + end, (start_Q != IGNORED).sum()


def exact_spans(
    start_scores_QT: Tensor, end_scores_QT: Tensor, start_Q: Tensor, end_Q: Tensor
) -> Tensor:
    """For each question, whether the likeliest start and the likeliest end are both right."""
    return (start_scores_QT.argmax(1) == start_Q) & (end_scores_QT.argmax(1) == end_Q)
