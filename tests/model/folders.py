"""Small models to fine-tune, shared by the tests of what they are on disk."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
)

from clism_ray.config import ModelConfig
from clism_ray.masking.examples import vocabulary
from clism_ray.tasks.ner_tagger import Tagger, build_tagger
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.qa_model import AnswerModel, build_answer_model
from clism_ray.tasks.qa_questions import Answer, Question
from clism_ray.tasks.qa_windows import WindowLimits

POSITIONS = 60
FAMILIES = ("xlm-roberta", "bert", "modernbert")
TAGS = TagSet(["PER", "LOC"])
PASSAGE = " ".join(f"the {name} is {place} ." for place, name in enumerate("abcdefghijkl", 10))
QUESTIONS = [
    Question("long", "what is b ?", PASSAGE, (Answer("11", PASSAGE.index("11")),)),
    Question("short", "Paris ?", "  Paris is one . ", (Answer("one", 11),)),
    Question("special", "[QUE]", "the </s> is [QUE] . ", (Answer("[QUE]", 12),)),
]


def start(family: str, tokenizer: PreTrainedTokenizerFast, folder: Path) -> ModelConfig:
    """A small encoder of a family, as a folder to start from; its scores are far apart."""
    torch.manual_seed(1)
    model = AutoModelForMaskedLM.from_config(_config(family, tokenizer))
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4 if weight.dim() > 1 else 1)
    model.save_pretrained(folder)
    return ModelConfig(start=str(folder))


def answering(
    family: str, tokenizer: PreTrainedTokenizerFast, folder: Path, limits: WindowLimits
) -> AnswerModel:
    words = vocabulary(tokenizer)
    beginning = start(family, tokenizer, folder)
    model = build_answer_model(beginning, words, limits, precision="fp32", seed=3).eval()
    _far_apart(model.head)
    return model


def tagging(family: str, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Tagger:
    words = vocabulary(tokenizer)
    beginning = start(family, tokenizer, folder)
    tagger = build_tagger(beginning, words, TAGS, max_tokens=24, precision="fp32", seed=3).eval()
    _far_apart(tagger.classifier)
    return tagger


def shards(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights that share no memory, as they come from ZeRO's shards."""
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def _far_apart(head: torch.nn.Module) -> None:
    with torch.no_grad():
        for weight in head.parameters():
            weight.normal_()


def _config(family: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedConfig:
    begin, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": begin,
        "eos_token_id": end,
    }
    match family:
        case "bert":
            return BertConfig(**sizes, max_position_embeddings=POSITIONS)
        case "modernbert":
            return ModernBertConfig(
                **sizes,
                max_position_embeddings=POSITIONS,
                cls_token_id=begin,
                sep_token_id=end,
                global_attn_every_n_layers=1,
            )
        case _:
            first = tokenizer.pad_token_id + 1
            return XLMRobertaConfig(
                **sizes, max_position_embeddings=POSITIONS + first, type_vocab_size=1
            )
