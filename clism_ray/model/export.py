"""A model as a plain Hugging Face folder, and back.

    config.json, model.safetensors   the encoder with its MLM head: `AutoModel` loads the encoder
    tokenizer.json, ...              the tokenizer, with `[QUE]`
    span_head.safetensors            W_s and W_e
    span_head.py                     answers with this folder where this package is not
    README.md                        the model card

Loading needs neither Ray nor DeepSpeed; the encoder alone needs not even this package.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedModel, PreTrainedTokenizerFast

from clism_ray.config import ModelConfig
from clism_ray.errors import InputError
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model import span_reader
from clism_ray.model.span_head import SpanHead

SPAN_HEAD = "span_head.safetensors"
READER = "span_head.py"


class Pointer(NamedTuple):
    """An exported model, loaded."""

    masked_lm: PreTrainedModel
    span_head: SpanHead
    tokenizer: PreTrainedTokenizerFast


def export_model(
    folder: Path,
    masked_lm: PreTrainedModel,
    weights: Mapping[str, Tensor],
    tokenizer: PreTrainedTokenizerFast,
    card: str,
) -> None:
    """Write a model folder as a whole or not at all.

    Args:
        folder: replaced if it exists.
        masked_lm: gives the architecture; its own weights may be sharded and are not looked at.
        weights: all weights of a `PretrainModel`, by its names; without those of a span head that
            nothing asked and trained, none is written.
        tokenizer: with `[QUE]`.
        card: the text of the model card.
    """
    with replaced(folder) as temporary:
        masked_lm.save_pretrained(temporary, state_dict=below(weights, "masked_lm."))
        if head := below(weights, "span_head."):
            save_file(head, temporary / SPAN_HEAD)
            save_reader(temporary)
        tokenizer.save_pretrained(temporary)
        (temporary / "README.md").write_text(card, encoding="utf-8")


def save_reader(folder: Path) -> None:
    """Put the file that answers with a folder where this package is not beside its span head."""
    shutil.copyfile(span_reader.__file__, folder / READER)


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A folder to write to, which takes the place of `folder` when all is written, or goes."""
    temporary = folder.with_name(f"{folder.name}.partial.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """An InputError in place of what libraries raise on a folder that is not there or damaged."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that holds a model")
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:  # Runtime: shapes
        raise InputError(f"{folder}: cannot be loaded: {error}; export it again") from error


def load_exported(folder: Path) -> Pointer:
    """The encoder with its MLM head, the span head and the tokenizer of a model folder."""
    path = folder / SPAN_HEAD
    if not path.is_file():
        raise InputError(
            f"{folder}: no exported model ({SPAN_HEAD} is not in it); "
            "give the `best` or `last` folder of a run"
        )
    with readable(folder):
        masked_lm = AutoModelForMaskedLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True
        )
    span_head = load_span_head(path, masked_lm.config.hidden_size)
    return Pointer(masked_lm, span_head, load_tokenizer(str(folder)))


def pretrained_head(start: ModelConfig) -> Path | None:
    """The file of the span head beside a start; None where pre-training left none."""
    path = Path(start.start or "") / SPAN_HEAD
    return path if start.start is not None and path.is_file() else None


def check_pretrained_head(start: ModelConfig) -> None:
    """Raise InputError if there is a span head beside a start, and it does not fit its encoder."""
    if path := pretrained_head(start):
        load_span_head(path, AutoConfig.from_pretrained(path.parent).hidden_size)


def load_span_head(path: Path, hidden: int) -> SpanHead:
    """A span head for an encoder of this hidden size.

    Raises:
        InputError: the file is damaged, holds something else, or a head of another size.
    """
    span_head = SpanHead(hidden)
    expected = {name: list(weight.shape) for name, weight in span_head.named_parameters()}
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    found = {name: list(weight.shape) for name, weight in weights.items()}
    if found != expected:
        raise InputError(
            f"{path}: holds {found}; expected {expected}, as the encoder beside it has hidden "
            f"size {hidden}; give a folder as one export made it"
        )
    span_head.load_state_dict(weights)
    return span_head


def below(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): tensor.contiguous()
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }
