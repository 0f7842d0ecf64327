"""A model that a configuration names: a folder, or a name on the hub.

Its weights are safetensors, and code that comes with it is not run.
"""

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, is_offline_mode, try_to_load_from_cache
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging

from clism_ray.errors import InputError
from clism_ray.model.span_reader import positions

_TIMEOUT = 30  # seconds


def pinned(key: str, model: str, revision: str | None) -> str | None:
    """The commit that a revision names now, so that all tasks load one; None for a folder.

    `key` is the setting, for messages. Raises InputError if the model is neither a folder nor on
    the hub, which is not asked in offline mode: then the commit is the one that is in the cache.
    """
    if Path(model).is_dir():
        if revision is not None:
            raise InputError(f"{key}: revision is for names on the hub; {model} is a folder")
        return None
    try:
        if is_offline_mode():
            path = try_to_load_from_cache(model, "config.json", revision=revision)
            if not isinstance(path, str):
                raise ValueError("it is not in the cache, and offline mode is on")
            return Path(path).parent.name
        return HfApi().model_info(model, revision=revision, timeout=_TIMEOUT).sha
    except Exception as error:  # of several libraries: no connection, no such name, no access
        raise cannot_load(key, model, error) from error


def fast_tokenizer(key: str, model: str, revision: str | None) -> PreTrainedTokenizerFast:
    """The model's tokenizer; InputError if it has none that tells where its tokens stand."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            model, revision=revision, use_fast=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise cannot_load(key, model, error) from error
    where = f"{key}: {model!r}"
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise InputError(
            f"{where} has a {type(tokenizer).__name__}, which has no fast version; character "
            "offsets need one: save it with a tokenizer.json"
        )
    if set(tokenizer.get_vocab().values()) <= set(tokenizer.all_special_ids):
        raise InputError(  # a folder without a tokenizer loads as such a one
            f"{where}: its tokenizer has no tokens but special ones; is its tokenizer.json missing?"
        )
    return tokenizer


def weights(
    key: str, model: str, revision: str | None, kind: Any, advice: str, spare: str | None = None
) -> Any:
    """The model itself, of an `AutoModel...` class, in float32 and on the CPU.

    Raises InputError, ending in `advice`, if weights are missing, but for those whose names begin
    with `spare`; and for one that is not there or has no safetensors.
    """
    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # it would list the weights that are left over
    try:
        loaded, told = kind.from_pretrained(
            model,
            revision=revision,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:  # Runtime: shapes
        raise cannot_load(key, model, error) from error
    finally:
        logging.set_verbosity(verbosity)
    lacking = [
        name for name in sorted(told["missing_keys"]) if not (spare and name.startswith(spare))
    ]
    if lacking:  # transformers would draw them, and go on
        raise InputError(
            f"{key}: {model!r}: {len(lacking)} of its weights are missing, such as {lacking[0]}; "
            f"{advice}"
        )
    return loaded


def room(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """Tokens of the longest text that both can take, special ones included."""
    found = int(tokenizer.model_max_length)
    if hasattr(model.config, "max_position_embeddings"):
        found = min(found, positions(model.config))
    return found


def cannot_load(key: str, model: str, error: Exception) -> InputError:
    """What to tell of a model that a library could not load."""
    said = " ".join(str(error).split())[:300]
    return InputError(
        f"{key}: {model!r} cannot be loaded ({said}); give a folder, or a name on the hub, "
        "that holds config.json, model.safetensors and tokenizer.json"
    )
