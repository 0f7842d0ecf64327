"""CACR: contrastive consistency between the three sentence vectors of a pair (eq. 6 to 8)."""

import torch
from torch import Tensor
from torch.nn import functional as F

TERMS = ("target_masked", "plain_masked", "target_plain")


def mean_pool(hidden_TD: Tensor, pool_T: Tensor, groups: int) -> Tensor:
    """The mean of the token states of each group (eq. 6): groups x D.

    `pool_T` names each token's group, -1 for none. A group without tokens gives zeros.
    """
    weight_T = (pool_T >= 0).to(hidden_TD.dtype)
    index_T = pool_T.clamp(min=0)
    sums = hidden_TD.new_zeros(groups, hidden_TD.shape[1])
    sums = sums.index_add(0, index_T, hidden_TD * weight_T[:, None])
    counts = hidden_TD.new_zeros(groups).index_add(0, index_T, weight_T)
    return sums / counts.clamp(min=1)[:, None]


def contrast(
    a_RD: Tensor, b_BD: Tensor, temperature: float, negative_RB: Tensor, first: int = 0
) -> Tensor:
    """L(a_i, b_i) of eq. 7 for R rows, of which row 0 belongs to column `first`: R values.

    -log( exp(cos(a_i, b_i) / tau) / sum_j exp(cos(a_i, b_j) / tau) ), where j runs over i itself
    and its negatives: `negative_RB` is False for a row's own column and for those that say the
    same.
    """
    cosine_RB = F.normalize(a_RD, dim=1) @ F.normalize(b_BD, dim=1).T
    column_B = torch.arange(len(b_BD), device=b_BD.device)
    own_RB = column_B[first : first + len(a_RD), None] == column_B
    scores_RB = (cosine_RB / temperature).masked_fill(~(negative_RB | own_RB), float("-inf"))
    return -F.log_softmax(scores_RB, dim=1).diagonal(first)


def negatives(
    source_key_B: Tensor, target_key_B: Tensor, real_B: Tensor, rows: slice = slice(None)
) -> Tensor:
    """R x B: whether pair j may stand against each pair i of `rows`.

    Not so if it has the same source or the same target text (a false negative), nor if it is the
    dummy of an empty micro-batch.
    """
    same_source_RB = source_key_B[rows, None] == source_key_B
    same_target_RB = target_key_B[rows, None] == target_key_B
    return ~(same_source_RB | same_target_RB) & real_B[None, :]


def cacr_loss(
    pooled_3BD: Tensor,
    temperature: float,
    source_key_B: Tensor,
    target_key_B: Tensor,
    real_B: Tensor,
    rows: slice | None = None,
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """The three terms of eq. 8, each summed over the pairs, and the number of pairs.

    Args:
        pooled_3BD: vectors of the masked sources, the targets and the plain sources (3B x D).
        temperature: tau of eq. 7, a divisor of the cosine.
        source_key_B: equal for equal source texts.
        target_key_B: equal for equal target texts.
        real_B: False for the dummy of an empty micro-batch.
        rows: the pairs that are summed, each against all B; by default all of them.

    Returns:
        Sums of L(r_t, r^s), L(r_s, r^s) and L(r_t, r_s), named by `TERMS`; the count.
    """
    masked_BD, target_BD, plain_BD = pooled_3BD.chunk(3)
    rows = slice(0, len(real_B)) if rows is None else rows
    negative_RB = negatives(source_key_B, target_key_B, real_B, rows)

    def total(a_BD: Tensor, b_BD: Tensor) -> Tensor:
        # A slice of them all would have the gradient added up in another order, and rounded so.
        a_RD = a_BD if len(negative_RB) == len(a_BD) else a_BD[rows]
        losses_R = contrast(a_RD, b_BD, temperature, negative_RB, rows.start)
        return (losses_R * real_B[rows]).sum()

    terms = total(target_BD, masked_BD), total(plain_BD, masked_BD), total(target_BD, plain_BD)
    return terms, real_B[rows].sum()
