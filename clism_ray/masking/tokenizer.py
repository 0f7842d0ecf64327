"""The tokenizer: a fast Hugging Face one that knows `[QUE]`, loaded or trained on the corpus.

Transformers is imported where a tokenizer is opened: a trial's process, which opens none, starts
faster without it.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from clism_ray.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

QUESTION = "[QUE]"

_SPECIAL = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
# Scripts written without spaces: a merge across characters would swallow word boundaries,
# and an answer must begin and end where a token does.
_UNSPACED = Regex(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


def load_tokenizer(path: str, revision: str | None = None) -> "PreTrainedTokenizerFast":
    """A fast tokenizer by folder or hub name, with `[QUE]` as a special token.

    Raises InputError if it is not there, has no fast version, or lacks a token the method needs.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast  # the first brings PyTorch

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision, use_fast=True)
    except (OSError, ValueError) as error:
        raise InputError(f"tokenizer {path!r} cannot be loaded: {error}") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or not tokenizer.is_fast:
        raise InputError(
            f"tokenizer {path!r} is a {type(tokenizer).__name__}, which has no fast version; "
            "character offsets need one: save it with a tokenizer.json, or choose another encoder"
        )
    missing = [
        name
        for name, value in [
            ("a begin token (cls or bos)", begin_token(tokenizer)),
            ("an end token (sep or eos)", end_token(tokenizer)),
            ("a mask token", tokenizer.mask_token_id),
            ("a padding token", tokenizer.pad_token_id),
        ]
        if value is None
    ]
    if missing:
        raise InputError(f"tokenizer {path!r} has no {', no '.join(missing)}")
    if set(tokenizer.get_vocab().values()) <= set(tokenizer.all_special_ids):
        raise InputError(  # a folder with a config.json and nothing else loads as such a one
            f"tokenizer {path!r} has no tokens but its special ones; "
            "is its tokenizer.json, or its vocabulary, missing?"
        )
    return with_question(tokenizer)


def with_question(tokenizer: "PreTrainedTokenizerFast") -> "PreTrainedTokenizerFast":
    """The same tokenizer with `[QUE]` among its special tokens."""
    if QUESTION not in tokenizer.get_vocab():
        tokenizer.add_special_tokens({"extra_special_tokens": [QUESTION]})
    return tokenizer


def open_tokenizer(folder: str) -> "PreTrainedTokenizerFast":
    """A tokenizer that `save_tokenizer` wrote: its tokens as `load_tokenizer` finds them.

    Its class is not that of the encoder's family, and it comes without PyTorch.
    """
    from transformers import PreTrainedTokenizerFast

    try:
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise InputError(f"tokenizer {folder!r} cannot be loaded: {error}") from error
    return tokenizer


def check_question(folder: str) -> None:
    """Raise InputError unless a saved tokenizer takes `[QUE]` for one special token of its own."""
    tokenizer = open_tokenizer(folder)
    known = tokenizer.get_vocab().get(QUESTION)
    found = tokenizer.encode(QUESTION, add_special_tokens=False)
    if known not in found or known not in tokenizer.all_special_ids:
        raise InputError(
            f"{folder}: {QUESTION} is no special token of this tokenizer, which reads it as "
            f"{tokenizer.convert_ids_to_tokens(found)}; it was altered: delete the folder to have "
            "it made again, or give the run another name=..."
        )


def begin_token(tokenizer: "PreTrainedTokenizerFast") -> int | None:
    """Id of the token that opens a sequence."""
    return _first(tokenizer.cls_token_id, tokenizer.bos_token_id)


def end_token(tokenizer: "PreTrainedTokenizerFast") -> int | None:
    """Id of the token that closes a sentence."""
    return _first(tokenizer.sep_token_id, tokenizer.eos_token_id)


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> "PreTrainedTokenizerFast":
    """A BPE tokenizer of the given size in XLM-R's manner (SentencePiece's visible space).

    Punctuation, digits and the characters of unspaced scripts are tokens of their own, so that
    spans of words begin and end at token boundaries. Equal texts give an equal tokenizer.
    Where the texts have more characters than there is room for, the rarest become `<unk>`.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token=_SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(_UNSPACED, "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    size = vocabulary - 1  # [QUE] is the last one
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        limit_alphabet=max(size - len(_SPECIAL), 0),
        special_tokens=list(_SPECIAL.values()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    begin, end = _SPECIAL["bos_token"], _SPECIAL["eos_token"]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} $B {end}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (begin, end)],
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token=begin, sep_token=end, **_SPECIAL
    )
    return with_question(fast)


def save_tokenizer(tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    """Write a tokenizer folder as a whole or not at all."""
    temporary = folder.with_name(f"{folder.name}.partial.{os.getpid()}")
    tokenizer.save_pretrained(temporary)
    temporary.rename(folder)


def copy_tokenizer(origin: Path, folder: Path) -> None:
    """Copy a tokenizer's folder as a whole or not at all. Nothing if it is there."""
    if folder.is_dir():
        return
    temporary = folder.with_name(f"{folder.name}.partial.{os.getpid()}")
    shutil.copytree(origin, temporary)
    temporary.rename(folder)


def _first(*ids: int | None) -> int | None:
    return next((token for token in ids if token is not None), None)
