"""A tagger as a folder, and back.

config.json, model.safetensors   what `AutoModelForTokenClassification` loads (`linear_head`),
                                 with the tags' names
reading.json                     the entity types, how long windows are, and whether `[QUE]`
                                 stands after the last word: [CLS] words [QUE] [SEP]
tokenizer.json, ...              the tokenizer, with `[QUE]`
README.md                        the model card
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor
from transformers import PreTrainedTokenizerFast

from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.export import below, replaced
from clism_ray.model.linear_head import TAGS, load_linear, save_linear
from clism_ray.model.span_reader import positions
from clism_ray.tasks.ner_tagger import Tagger
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.reading import READING, read_reading, write_reading

_QUESTION_NOTE = """
## Input

This model was fine-tuned with `[QUE]` after the last word: `[CLS] words [QUE] [SEP]`. Put it there,
or use `clism_ray`, which does; without it tags are worse.
"""


@dataclass(frozen=True, slots=True)
class SentenceLimits:
    """How sentences become windows (`ner_windows.make_windows`), and their scores tags."""

    max_tokens: int = 128
    overlap: int = 64
    with_question_token: bool = True
    constrained: bool = True  # the best valid sequence, as `ner_decoding.decode` finds it


@dataclass(frozen=True, slots=True)
class _Reading:
    types: tuple[str, ...]
    windows: SentenceLimits


class Tagging(NamedTuple):
    """A tagger, and how it reads."""

    tagger: Tagger
    words: Vocabulary
    tags: TagSet
    limits: SentenceLimits


def export_tagger(
    folder: Path,
    tagger: Tagger,
    weights: Mapping[str, Tensor],
    tokenizer: PreTrainedTokenizerFast,
    tags: TagSet,
    limits: SentenceLimits,
    card: str,
) -> None:
    """Write a model folder as a whole or not at all.

    Args:
        folder: replaced if it exists.
        tagger: gives the architecture; its own weights may be sharded and are not looked at.
        weights: all weights of the tagger, by its names.
        tokenizer: with `[QUE]`.
        tags: what it tells apart.
        limits: of the windows it was fine-tuned on.
        card: the text of the model card; if sentences end in `[QUE]`, a note of that is added.
    """
    encoder_weights, layer = below(weights, "encoder."), below(weights, "classifier.")
    with replaced(folder) as temporary:
        labels = dict(enumerate(tags.tags))
        save_linear(temporary, TAGS, tagger.encoder, encoder_weights, layer, labels)
        tokenizer.save_pretrained(temporary)
        write_reading(temporary, "entities", _Reading(tags.types, limits))
        note = _QUESTION_NOTE if limits.with_question_token else ""
        (temporary / "README.md").write_text(card + note, encoding="utf-8")


def load_tagger(folder: Path, precision: str = "fp32") -> Tagging:
    """The tagger of a folder, in evaluation mode.

    Raises:
        InputError: the folder is not there, damaged, no tagger's, or has windows longer than the
            encoder has positions.
    """
    reading = read_reading(folder, "entities", _Reading)
    tags, limits = TagSet(reading.types), reading.windows
    encoder, layer = load_linear(folder, TAGS)
    if len(tags) != layer.out_features or limits.max_tokens > positions(encoder.config):
        raise InputError(
            f"{folder / READING}: {len(tags)} tags and max_tokens {limits.max_tokens}, but the "
            f"model has {layer.out_features} tags and {positions(encoder.config)} positions; "
            "export it again"
        )
    tagger = Tagger(encoder, len(tags), dropout=0.0, precision=precision)
    tagger.classifier.load_state_dict(layer.state_dict())
    return Tagging(tagger.eval(), vocabulary(load_tokenizer(str(folder))), tags, limits)
