"""Attention over sequences laid end to end, each within itself, for Hugging Face's encoders.

Importing this adds it to transformers' attention functions, under the name `PACKED`.

Shapes: H heads, T tokens of all sequences, d size of a head.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface

PACKED = "packed"


class Bounds(NamedTuple):
    """Where sequences begin and end, made once for all layers.

    Jagged tensors are of one shape if their bounds are one tensor: an activation that is computed
    again in the backward has to meet the tensor that it met in the forward.
    """

    offsets: Sequence[int]
    on_device_N1: Tensor

    @classmethod
    def of(cls, offsets: Sequence[int], device: torch.device) -> "Bounds":
        """The same, on the device as well."""
        return cls(offsets, torch.tensor(offsets).to(device, non_blocking=True))


def _packed_attention(
    module: nn.Module,
    query_1HTd: Tensor,
    key_1HTd: Tensor,
    value_1HTd: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    packed_bounds: Bounds,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention within each sequence, as a kernel of Hugging Face's attention interface."""
    attend = _attend_jagged if query_1HTd.is_cuda else _attend_each
    states_1HTd = attend(query_1HTd, key_1HTd, value_1HTd, packed_bounds, scaling, dropout)
    return states_1HTd.transpose(1, 2).contiguous(), None


def _attend_each(
    query: Tensor, key: Tensor, value: Tensor, bounds: Bounds, scale: Any, dropout: float
) -> Tensor:
    # Split, not sliced: the backward of each slice would fill a gradient of all T with zeros.
    lengths = [stop - start for start, stop in pairwise(bounds.offsets)]
    parts = (torch.split(states, lengths, dim=2) for states in (query, key, value))
    attended = [
        F.scaled_dot_product_attention(q, k, v, scale=scale, dropout_p=dropout)
        for q, k, v in zip(*parts, strict=True)
    ]
    return torch.cat(attended, dim=2)


def _attend_jagged(
    query: Tensor, key: Tensor, value: Tensor, bounds: Bounds, scale: Any, dropout: float
) -> Tensor:
    """One kernel for all sequences, where there is one (CUDA)."""
    offsets, offsets_N1 = bounds
    lengths = [stop - start for start, stop in pairwise(offsets)]  # else PyTorch asks the device

    def jagged(states_1HTd: Tensor) -> Tensor:
        states_THd = states_1HTd[0].transpose(0, 1).contiguous()
        return torch.nested.nested_tensor_from_jagged(
            states_THd, offsets_N1, min_seqlen=min(lengths), max_seqlen=max(lengths)
        ).transpose(1, 2)

    attended = F.scaled_dot_product_attention(
        jagged(query), jagged(key), jagged(value), scale=scale, dropout_p=dropout
    )
    values_THd: Tensor = attended.transpose(1, 2).contiguous().values()
    return values_THd.transpose(0, 1)[None]


def _no_mask(*_: Any, **__: Any) -> None:
    """Packed attention needs no mask."""


AttentionInterface.register(PACKED, _packed_attention)
AttentionMaskInterface.register(PACKED, _no_mask)
