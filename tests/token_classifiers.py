"""A small token classifier of random weights, on disk."""

from pathlib import Path

import torch
from transformers import (
    AutoModelForTokenClassification,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
)

from clism_ray.masking.tokenizer import save_tokenizer

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
POSITIONS = 90


def write_classifier(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Its scores are far apart, so that it finds much of everything."""
    torch.manual_seed(2)
    settings = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=POSITIONS,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: number for number, tag in enumerate(TAGS)},
    )
    model = AutoModelForTokenClassification.from_config(settings)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4 if weight.dim() > 1 else 1)
    save_tokenizer(tokenizer, folder)
    model.save_pretrained(folder)
