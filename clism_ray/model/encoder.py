"""The encoder: any Hugging Face masked language model, run over sequences laid end to end.

Where the family is known to allow it, all sequences of a micro-batch go through the encoder as one
run of tokens ("packed"), each attending to itself only, so nothing is padded. Other families get
one padded batch. Both give the same states.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
)

from clism_ray.config import ModelConfig, ScratchConfig
from clism_ray.errors import InputError
from clism_ray.model.attention import PACKED, Bounds
from clism_ray.model.span_reader import first_position, positions

PAIR_LIMITS = "tokenizer.max_source_tokens or tokenizer.max_target_tokens"
_ROUND = 128  # tokens; few shapes for a few per cent more work
_PACKED_FAMILIES = frozenset({"bert", "electra", "roberta", "xlm-roberta", "camembert"})


def load_masked_lm(
    model: ModelConfig,
    tokenizer: PreTrainedTokenizerFast,
    max_tokens: int,
    limits: str = PAIR_LIMITS,
) -> PreTrainedModel:
    """The masked language model a run starts from, in fp32, with a row for every token.

    New rows and a head that the start lacks are drawn from torch's generator: seed it first.

    Args:
        model: what to start from.
        tokenizer: of the sequences to come.
        max_tokens: of the longest sequence to come.
        limits: the settings that `max_tokens` comes from, for the message if it is too many.

    Raises:
        InputError: the start cannot be loaded, lacks weights of its encoder, or has too few
            positions for `max_tokens`.
    """
    masked_lm: PreTrainedModel
    if model.start is None:
        masked_lm = AutoModelForMaskedLM.from_config(
            scratch_config(
                model.scratch,
                tokens=len(tokenizer),
                max_tokens=max_tokens,
                begin=tokenizer.bos_token_id,
                padding=tokenizer.pad_token_id,
                end=tokenizer.eos_token_id,
            ),
            dtype=torch.float32,
        )
    else:
        masked_lm = _load(model.start, model.revision)
    if len(tokenizer) > masked_lm.config.vocab_size:
        # The default, the mean of all rows, is twenty times shorter than a usual row.
        masked_lm.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    check_room(model, masked_lm.config, max_tokens, limits)
    pack(masked_lm)
    return masked_lm


def _load(start: str, revision: str | None) -> PreTrainedModel:
    masked_lm: PreTrainedModel
    try:
        masked_lm, told = AutoModelForMaskedLM.from_pretrained(
            start,
            revision=revision,
            dtype=torch.float32,
            use_safetensors=True,  # never a pickle, which may run code
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:  # Runtime: shapes
        raise InputError(f"model.start {start!r} cannot be loaded: {error}") from error
    body = masked_lm.base_model_prefix + "."
    lacking = sorted(name for name in told["missing_keys"] if name.startswith(body))
    if lacking:  # transformers would draw them, and say so in a log
        raise InputError(
            f"model.start {start!r}: {len(lacking)} weights of the encoder are not in it, "
            f"such as {lacking[0]}; give a folder whose weights belong to its config.json"
        )
    return masked_lm


def pack(model: PreTrainedModel) -> None:
    """Let a model run over sequences laid end to end, if its family is known to allow it."""
    if is_packed(model.config):
        model.set_attn_implementation(PACKED)


def is_packed(config: Any) -> bool:
    """Whether a family of encoders is known to run over sequences laid end to end."""
    return config.model_type in _PACKED_FAMILIES


def check_start(model: ModelConfig, max_tokens: int, limits: str = PAIR_LIMITS) -> None:
    """Fail before any worker starts if the start cannot be used; loads no weights.

    The arguments are those of `load_masked_lm`.

    Raises:
        InputError: it is not there, is no masked language model, or has too few positions.
    """
    if model.start is None:
        return
    try:
        config = AutoConfig.from_pretrained(model.start, revision=model.revision)
        with torch.device("meta"):
            masked_lm = AutoModelForMaskedLM.from_config(config)
    except (OSError, ValueError) as error:
        raise InputError(f"model.start {model.start!r} cannot be loaded: {error}") from error
    mlm_head(masked_lm)
    check_room(model, config, max_tokens, limits)


def mlm_head(masked_lm: PreTrainedModel) -> nn.Module:
    """What stands between the encoder's states and the vocabulary: states in, logits out."""
    others = [
        child for name, child in masked_lm.named_children() if name != masked_lm.base_model_prefix
    ]
    if len(others) == 1:
        return others[0]
    if len(others) == 2 and others[1] is masked_lm.get_output_embeddings():
        return nn.Sequential(*others)
    raise InputError(
        f"{type(masked_lm).__name__}: its MLM head is in {len(others)} parts that cannot be told "
        "apart; start from a BERT, ELECTRA, RoBERTa, XLM-R or ModernBERT encoder"
    )


def encode(
    encoder: PreTrainedModel, ids_T: Tensor, types_T: Tensor, offsets: Sequence[int]
) -> Tensor:
    """States of all tokens, T x D. `offsets` bound the sequences; each attends to itself only."""
    if encoder.config._attn_implementation == PACKED:
        return _encode_packed(encoder, ids_T, types_T, offsets)
    return _encode_padded(encoder, ids_T, types_T, offsets)


def _encode_packed(
    encoder: PreTrainedModel, ids_T: Tensor, types_T: Tensor, offsets: Sequence[int]
) -> Tensor:
    starts_T = torch.repeat_interleave(torch.tensor(offsets[:-1]), torch.tensor(offsets).diff())
    position_T = torch.arange(len(ids_T), device=ids_T.device) - starts_T.to(ids_T.device)
    # One more sequence fills T up: libraries keep a kernel for every shape they have met. It may
    # be longer than the encoder has positions, so all of it stands at the first.
    filler = -len(ids_T) % _ROUND
    bounded = (*offsets, offsets[-1] + filler) if filler else tuple(offsets)
    ids_T, types_T, position_T = (F.pad(part, (0, filler)) for part in (ids_T, types_T, position_T))
    states: Tensor = encoder(
        input_ids=ids_T[None],
        position_ids=position_T[None] + first_position(encoder.config),
        packed_bounds=Bounds.of(bounded, ids_T.device),
        **_types(encoder, types_T[None]),
    )[0]
    return states[0, : offsets[-1]]


def _encode_padded(
    encoder: PreTrainedModel, ids_T: Tensor, types_T: Tensor, offsets: Sequence[int]
) -> Tensor:
    lengths = [stop - start for start, stop in pairwise(offsets)]
    ids, types = torch.split(ids_T, lengths), torch.split(types_T, lengths)
    padding = encoder.config.pad_token_id or 0
    ids_NL = pad_sequence(list(ids), batch_first=True, padding_value=padding)
    types_NL = pad_sequence(list(types), batch_first=True)
    real_NL = pad_sequence([torch.ones_like(part) for part in ids], batch_first=True)
    states: Tensor = encoder(input_ids=ids_NL, attention_mask=real_NL, **_types(encoder, types_NL))[
        0
    ]
    return states[real_NL.bool()]


def _types(encoder: PreTrainedModel, types: Tensor) -> dict[str, Tensor]:
    has_types = getattr(encoder.config, "type_vocab_size", 0) > 1
    return {"token_type_ids": types} if has_types else {}


def check_room(model: ModelConfig, config: Any, max_tokens: int, limits: str = PAIR_LIMITS) -> None:
    """Raise InputError if the encoder has too few positions; arguments as of `load_masked_lm`."""
    if max_tokens > positions(config):
        raise InputError(
            f"sequences of up to {max_tokens} tokens, but {model.start or 'the encoder'} has "
            f"{positions(config)} positions; lower {limits}"
        )


def scratch_config(
    shape: ScratchConfig, *, tokens: int, max_tokens: int, begin: int, padding: int, end: int
) -> XLMRobertaConfig:
    """The architecture of an encoder from random weights, for a tokenizer with these ids."""
    if shape.hidden % shape.heads:
        raise InputError(
            f"model.scratch: hidden {shape.hidden} is no multiple of heads {shape.heads}"
        )
    return XLMRobertaConfig(
        vocab_size=tokens,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate,
        hidden_dropout_prob=shape.dropout,
        attention_probs_dropout_prob=shape.dropout,
        max_position_embeddings=max_tokens + padding + 1,
        type_vocab_size=1,
        bos_token_id=begin,
        pad_token_id=padding,
        eos_token_id=end,
    )
