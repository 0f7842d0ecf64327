"""A model that answers as a folder, and back.

    reading.json            how long its windows are, and whether they have `[QUE]`
    tokenizer.json, ...     the tokenizer, with `[QUE]`
    README.md               the model card

and of a model that asks with `[QUE]`

    config.json, model.safetensors   the encoder: `AutoModel` loads it
    span_head.safetensors            W_s and W_e
    span_head.py                     answers with this folder where this package is not

or of one with a plain head

    config.json, model.safetensors   what `AutoModelForQuestionAnswering` loads (`linear_head`)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model import span_reader
from clism_ray.model.encoder import pack
from clism_ray.model.export import (
    SPAN_HEAD,
    below,
    load_exported,
    load_span_head,
    readable,
    replaced,
    save_reader,
)
from clism_ray.model.linear_head import ANSWERS, load_linear, save_linear
from clism_ray.tasks.qa_model import AnswerModel, PlainHead
from clism_ray.tasks.qa_windows import WindowLimits
from clism_ray.tasks.reading import READING, read_reading, write_reading


class Answering(NamedTuple):
    """A model that answers, and how it reads. `limits.with_question_token` is its form."""

    model: AnswerModel
    words: Vocabulary
    limits: WindowLimits


def export_answer_model(
    folder: Path,
    model: AnswerModel,
    weights: Mapping[str, Tensor],
    tokenizer: PreTrainedTokenizerFast,
    limits: WindowLimits,
    card: str,
) -> None:
    """Write a model folder as a whole or not at all.

    Args:
        folder: replaced if it exists.
        model: gives the architecture; its own weights may be sharded and are not looked at.
        weights: all weights of the model, by its names.
        tokenizer: with `[QUE]`.
        limits: of the windows it was fine-tuned on.
        card: the text of the model card.
    """
    encoder_weights = below(weights, "encoder.")
    with replaced(folder) as temporary:
        if isinstance(model.head, PlainHead):
            layer, places = below(weights, "head.scores."), {0: "start", 1: "end"}
            save_linear(temporary, ANSWERS, model.encoder, encoder_weights, layer, places)
        else:
            model.encoder.save_pretrained(temporary, state_dict=encoder_weights)
            save_file(below(weights, "head."), temporary / SPAN_HEAD)
            save_reader(temporary)
        tokenizer.save_pretrained(temporary)
        write_reading(temporary, "answers", limits)
        (temporary / "README.md").write_text(card, encoding="utf-8")


def load_answer_model(folder: Path, precision: str = "fp32") -> Answering:
    """The model of a folder, in evaluation mode.

    A folder of pre-training answers too, without any fine-tuning: its span head points from [QUE]
    as it learned to (eq. 10), in windows of our default size, or as long as the encoder allows.

    Raises:
        InputError: the folder is not there, damaged, has no head to answer with, or windows longer
            than the encoder has positions.
    """
    if folder.is_dir() and not (folder / READING).is_file():
        return _pre_trained(folder, precision)
    limits = read_reading(folder, "answers", WindowLimits)
    if limits.with_question_token:
        with readable(folder):
            encoder = span_reader.load_encoder(folder)
        pack(encoder)
        head = load_span_head(folder / SPAN_HEAD, encoder.config.hidden_size)
        model = AnswerModel(encoder, head, precision)
    else:
        encoder, layer = load_linear(folder, ANSWERS)
        plain = PlainHead(encoder.config.hidden_size)
        plain.scores.load_state_dict(layer.state_dict())
        model = AnswerModel(encoder, plain, precision)
    if limits.max_tokens > span_reader.positions(encoder.config):
        raise InputError(
            f"{folder / READING}: max_tokens {limits.max_tokens}, but the encoder has "
            f"{span_reader.positions(encoder.config)} positions; export it again"
        )
    return Answering(model.eval(), vocabulary(load_tokenizer(str(folder))), limits)


def _pre_trained(folder: Path, precision: str) -> Answering:
    if not (folder / SPAN_HEAD).is_file():
        raise InputError(
            f"{folder}: no head to answer with ({READING} and {SPAN_HEAD} are not in it); give a "
            "folder that fine-tuning for answers exported, or the `best` or `last` of a "
            "pre-training run"
        )
    pointer = load_exported(folder)
    encoder = cast(PreTrainedModel, pointer.masked_lm.base_model)
    pack(encoder)
    model = AnswerModel(encoder, pointer.span_head, precision).eval()
    return Answering(
        model,
        vocabulary(pointer.tokenizer),
        WindowLimits(*span_reader.usual_windows(encoder.config)),
    )
