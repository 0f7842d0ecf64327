"""An encoder with one linear layer over its states, as a folder of transformers' own classes.

For answers that is the layer `qa_outputs` of `AutoModelForQuestionAnswering`, for tags the layer
`classifier` of `AutoModelForTokenClassification`, where the family's class is no more than that. In
others (ModernBERT) another layer lies between: the folder then holds the encoder, which `AutoModel`
loads, and the layer in `linear_head.safetensors`.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
    PreTrainedModel,
)

from clism_ray.errors import InputError
from clism_ray.model.encoder import pack
from clism_ray.model.export import readable
from clism_ray.model.span_reader import load_encoder

LINEAR_HEAD = "linear_head.safetensors"


class Kind(NamedTuple):
    """What the layer is for."""

    classes: Any  # of transformers, by family
    layer: str  # what they call it


ANSWERS = Kind(AutoModelForQuestionAnswering, "qa_outputs")
TAGS = Kind(AutoModelForTokenClassification, "classifier")


class Linear(NamedTuple):
    """What a folder holds."""

    encoder: PreTrainedModel
    layer: nn.Linear


def save_linear(
    folder: Path,
    kind: Kind,
    encoder: PreTrainedModel,
    encoder_weights: Mapping[str, Tensor],
    layer_weights: Mapping[str, Tensor],
    labels: Mapping[int, str],
) -> None:
    """Write config and weights into a folder.

    Args:
        folder: is there.
        kind: what the layer is for.
        encoder: gives the architecture; its own weights are not looked at.
        encoder_weights: all of them, by the encoder's names.
        layer_weights: `weight` and, perhaps, `bias`.
        labels: names of what the layer tells apart; for answers, its two places are known.
    """
    whole = _whole(kind, encoder, labels)
    weights = {
        **{f"{encoder.base_model_prefix}.{name}": part for name, part in encoder_weights.items()},
        **{f"{kind.layer}.{name}": part for name, part in layer_weights.items()},
    }
    if whole is not None and set(whole.state_dict()) == set(weights):
        whole.save_pretrained(folder, state_dict=weights)
    else:
        encoder.save_pretrained(folder, state_dict=dict(encoder_weights))
        save_file(dict(layer_weights), folder / LINEAR_HEAD)


def load_linear(folder: Path, kind: Kind) -> Linear:
    """The encoder, ready for sequences laid end to end, and the layer; in fp32.

    Raises:
        InputError: the folder is not there, damaged, or holds no such model.
    """
    with readable(folder):
        if (folder / LINEAR_HEAD).is_file():
            encoder = load_encoder(folder)
            weights = load_file(folder / LINEAR_HEAD)
            outputs, hidden = weights["weight"].shape
            layer = nn.Linear(hidden, outputs, bias="bias" in weights)
            layer.load_state_dict(weights)
        else:
            whole, report = kind.classes.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
            )
            if report["missing_keys"]:
                raise InputError(
                    f"{folder}: has no weights {', '.join(sorted(report['missing_keys']))}; "
                    "export it again"
                )
            encoder, layer = cast(PreTrainedModel, whole.base_model), getattr(whole, kind.layer)
    pack(encoder)
    return Linear(encoder, layer)


def _whole(
    kind: Kind, encoder: PreTrainedModel, labels: Mapping[int, str]
) -> PreTrainedModel | None:
    """The family's class for this, without weights; None if it has none."""
    config = copy.deepcopy(encoder.config)
    config.id2label = dict(labels)
    config.label2id = {label: number for number, label in labels.items()}
    try:
        with torch.device("meta"):
            return cast(PreTrainedModel, kind.classes.from_config(config))
    except ValueError:
        return None
