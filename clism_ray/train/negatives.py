"""CACR's negatives from all slots of a global step, with cached representations.

Gao et al. (2021), "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup":

    1. every worker encodes its micro-batches without a graph and keeps their vectors only
    2. the workers exchange them, so that each has those of the step, in slot order
    3. eq. 7 over all pairs of the step gives the gradient with respect to every vector
    4. a micro-batch is encoded again under the same dropout, now with a graph; the sum of its
       vectors times that gradient has the gradient of its part in the step's CACR

A worker takes the rows of its own slots, one slot at a time, against all columns. So memory is that
of one micro-batch and of the vectors, and each worker does its share of the products.

Shapes: K slots of a step, T turns of a worker, W workers, m places of a slot of which the first B
hold its pairs, D hidden size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F

from clism_ray.losses.cacr import TERMS, cacr_loss


class Placed(NamedTuple):
    """The vectors and keys of a slot; places without a pair have zeros and row id -1."""

    vectors_3mD: Tensor
    keys_3m: Tensor  # row ids, source keys, target keys


class Pull(NamedTuple):
    """What all pairs of a step are to one micro-batch."""

    terms: dict[str, Tensor]  # CACR's `TERMS`, summed over its pairs
    cached_3BD: Tensor  # gradient of the sum of the step's terms with respect to its vectors


def place(pooled_3BD: Tensor, batch: dict[str, Tensor], places: int) -> Placed:
    """A micro-batch's vectors (3B x D) and keys in as many places as any slot has."""
    pairs = len(batch["row_id_B"])
    keys_3B = torch.stack([batch["row_id_B"], batch["source_key_B"], batch["target_key_B"]])
    return Placed(
        F.pad(pooled_3BD.view(3, pairs, -1), (0, 0, 0, places - pairs)),
        F.pad(keys_3B, (0, places - pairs), value=-1),
    )


def in_slot_order(parts_WT: Tensor, slots: int) -> Tensor:
    """What W workers hold in T turns, as K slots: slot j is turn j // W of worker j mod W."""
    return parts_WT.transpose(0, 1).flatten(0, 1)[:slots]


def contrast_slots(
    vectors_K3mD: Tensor, keys_K3m: Tensor, own: Sequence[int], temperature: float
) -> tuple[list[dict[str, Tensor]], Tensor]:
    """CACR's terms of some slots against all pairs of the step.

    Returns:
        The terms by name, summed over the pairs of each slot; and the gradient of the sum of them
        all, K x 3 x m x D, with respect to every vector of the step.
    """
    places = vectors_K3mD.shape[2]
    vectors_3KmD = vectors_K3mD.detach().transpose(0, 1).contiguous().requires_grad_()
    row_id_B, source_key_B, target_key_B = keys_K3m.transpose(0, 1).flatten(1)
    found = []
    for slot in own:
        rows = slice(slot * places, (slot + 1) * places)
        terms, _ = cacr_loss(
            vectors_3KmD.flatten(0, 2), temperature, source_key_B, target_key_B, row_id_B >= 0, rows
        )
        torch.autograd.backward(torch.stack(terms).sum())
        found.append({name: term.detach() for name, term in zip(TERMS, terms, strict=True)})
    assert vectors_3KmD.grad is not None
    return found, vectors_3KmD.grad.transpose(0, 1)


def pulls(
    pooled: Sequence[Tensor],
    batches: Sequence[dict[str, Tensor]],
    slots: int,
    places: int,
    temperature: float,
) -> list[Pull]:
    """The pull on each of this worker's micro-batches, one a turn. All ranks call it.

    Args:
        pooled: their vectors, 3B x D each.
        batches: the arrays of `records.Batch` that they came from.
        slots: K.
        places: m, of which no micro-batch has more pairs.
        temperature: tau of eq. 7.
    """
    placed = [place(*one, places) for one in zip(pooled, batches, strict=True)]
    vectors_K3mD, keys_K3m = (
        in_slot_order(_gathered(torch.stack(parts)), slots) for parts in zip(*placed, strict=True)
    )
    own = range(dist.get_rank(), slots, dist.get_world_size())
    terms, gradient_K3mD = contrast_slots(vectors_K3mD, keys_K3m, own, temperature)
    gradient_K3mD = gradient_K3mD.contiguous()
    dist.all_reduce(gradient_K3mD)
    found = []
    for turn, vectors_3BD in enumerate(pooled):
        if turn < len(own):
            cached_3mD = gradient_K3mD[own[turn]]
            pairs = len(vectors_3BD) // 3
            found.append(Pull(terms[turn], cached_3mD[:, :pairs].reshape(vectors_3BD.shape)))
        else:  # past the last slot: an empty micro-batch that evens out the workers
            nothing = dict.fromkeys(TERMS, vectors_3BD.new_zeros(()))
            found.append(Pull(nothing, torch.zeros_like(vectors_3BD)))
    return found


def _gathered(own_T: Tensor) -> Tensor:
    """What every rank gives, W x T."""
    all_WT = own_T.new_empty(dist.get_world_size(), *own_T.shape)
    dist.all_gather(list(all_WT.unbind()), own_T.contiguous())
    return all_WT
