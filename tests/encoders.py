"""A small encoder of random weights, on disk."""

from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerFast, XLMRobertaConfig

from clism_ray.masking.tokenizer import save_tokenizer

LAYERS = 3
POSITIONS = 200


def write_encoder(
    folder: Path, tokenizer: PreTrainedTokenizerFast, positions: int = POSITIONS
) -> None:
    """A masked language model, as pre-training leaves it, that tells tokens apart."""
    torch.manual_seed(2)
    settings = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=positions,
        pad_token_id=tokenizer.pad_token_id,
    )
    save_tokenizer(tokenizer, folder)
    AutoModelForMaskedLM.from_config(settings).save_pretrained(folder)
