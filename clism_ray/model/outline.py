"""The shape of the model that a configuration would start with: built without any weight."""

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from transformers import AutoConfig, AutoModelForMaskedLM, XLMRobertaConfig

from clism_ray.config import ModelConfig
from clism_ray.errors import InputError
from clism_ray.model.encoder import check_room, is_packed, scratch_config
from clism_ray.model.pretrainer import PretrainModel
from clism_ray.model.shape import PUBLISHED, Published, Shape

_BEGIN, _PADDING, _END = 0, 1, 2  # ids in XLM-R's tokenizer, and in one trained on the corpus


def outline(
    model: ModelConfig, tokens: int | None, max_tokens: int, padding: int = _PADDING
) -> PretrainModel:
    """The model of a run on torch's meta device: every parameter has its shape and no memory.

    Args:
        model: what the run starts from.
        tokens: of the tokenizer, `[QUE]` included; None: the start's vocabulary and `[QUE]`.
        max_tokens: of the longest sequence to come.
        padding: the tokenizer's id for padding; from scratch, positions begin behind it.

    Raises:
        InputError: the start is a hub name that is neither on this disk nor published here, or
            what it names cannot be used.
    """
    config = _config(model, tokens, max_tokens, padding)
    check_room(model, config, max_tokens)
    config.vocab_size = max(config.vocab_size, tokens or config.vocab_size + 1)
    try:
        with torch.device("meta"):
            masked_lm = AutoModelForMaskedLM.from_config(config)
            return PretrainModel(masked_lm, temperature=1.0, language_pairs=1, precision="fp32")
    except ValueError as error:
        raise InputError(f"model.start {model.start!r} cannot be built: {error}") from error


def shape_of(model: PretrainModel) -> Shape:
    """The numbers of a pre-training model, with weights or without."""
    config = model.masked_lm.config
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    flat = {name for name, parameter in model.named_parameters() if parameter.dim() < 2}
    return Shape(
        parameters=sum(sizes.values()),
        matrices=sum(size for n, size in sizes.items() if ".layer" in n and n not in flat),
        largest=max(sizes.values()),
        tensors=len(sizes),
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        intermediate=getattr(config, "intermediate_size", 4 * config.hidden_size),
        vocabulary=config.vocab_size,
        dropout=float(getattr(config, "hidden_dropout_prob", 0.0)),
        packed=is_packed(config),
    )


def on_disk(start: str, revision: str | None = None) -> bool:
    """Whether a start or a tokenizer is a folder, or a hub name that was fetched before."""
    if Path(start).is_dir():
        return True
    if start.count("/") > 1 or start.startswith(("/", ".", "~")):
        return False
    return isinstance(try_to_load_from_cache(start, "config.json", revision=revision), str)


def _config(model: ModelConfig, tokens: int | None, max_tokens: int, padding: int) -> Any:
    if model.start is None:
        assert tokens is not None
        ids = {"begin": _BEGIN, "padding": padding, "end": _END}
        return scratch_config(model.scratch, tokens=tokens, max_tokens=max_tokens, **ids)
    if on_disk(model.start, model.revision):
        try:
            return AutoConfig.from_pretrained(
                model.start, revision=model.revision, local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise InputError(f"model.start {model.start!r} cannot be loaded: {error}") from error
    if model.start in PUBLISHED:
        return _published(PUBLISHED[model.start])
    raise InputError(
        f"model.start {model.start!r} is not on this disk, and planning fetches nothing; give the "
        f"folder of an encoder (its config.json is enough), fetch it with `hf download "
        f"{model.start} config.json`, or name one whose shape is known: {', '.join(PUBLISHED)}"
    )


def _published(known: Published) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=known.vocabulary,
        hidden_size=known.hidden,
        num_hidden_layers=known.layers,
        num_attention_heads=known.heads,
        intermediate_size=known.intermediate,
        max_position_embeddings=known.positions,
        type_vocab_size=1,
    )
