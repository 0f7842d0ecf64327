"""A Hugging Face token classifier as a finder of spans.

Any model that `AutoModelForTokenClassification` loads from safetensors with a fast tokenizer; code
that comes with a model is not run. A process holds one.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoModelForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from clism_ray.config_corpus import TokenClassificationConfig
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.spans import Tagger
from clism_ray.corpus.words import Offsets
from clism_ray.errors import InputError
from clism_ray.model.device import device_of
from clism_ray.model.named import fast_tokenizer, room, weights
from clism_ray.model.named import pinned as pinned_to
from clism_ray.tasks.span_tags import OUTSIDE, WordTag, first_tokens, spans_of

_OVERLAP = 4  # a quarter of a window is read again in the next
_KEY = "spans.token_classification"


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model that is ready, on its device."""

    tokenizer: PreTrainedTokenizerFast
    model: PreTrainedModel
    tags: tuple[str, ...]
    device: torch.device
    batch: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class _Window:
    """Part of a text: its tokens, and where each stands."""

    text: int  # number of the text
    ids: list[int]
    offsets: list[Offsets]  # empty for special tokens


def pinned(config: TokenClassificationConfig) -> TokenClassificationConfig:
    """The same model at the commit that its revision names now, so that all tasks load one.

    Raises InputError if it is neither a folder nor on the hub, which is not asked in offline mode:
    then the commit is the one that is in the cache.
    """
    commit = pinned_to(_KEY, config.model, config.revision)
    return dataclasses.replace(config, revision=commit)


@lru_cache(maxsize=1)
def load_tagger(config: TokenClassificationConfig, device: str) -> Tagger:
    """The model as a function (texts, the words of each) -> the spans of each.

    Raises InputError for a model that is not there or cannot be used: no safetensors, code of its
    own, weights missing, no fast tokenizer, no tag `O`, or a device that this machine lacks.
    """
    classifier = load_classifier(config, device)
    return lambda texts, offsets: find_spans(classifier, texts, offsets)


def load_classifier(config: TokenClassificationConfig, device: str) -> Classifier:
    """The model itself; see `load_tagger` for errors."""
    where = f"{_KEY}: {config.model!r}"
    tokenizer = fast_tokenizer(_KEY, config.model, config.revision)
    model = weights(
        _KEY,
        config.model,
        config.revision,
        AutoModelForTokenClassification,
        "name a model that was trained to classify tokens",
    )
    tags = tuple(model.config.id2label[number] for number in range(model.config.num_labels))
    if OUTSIDE not in tags:
        raise InputError(
            f"{where} has the labels {', '.join(tags[:6])}; expected one called O for words "
            "outside of all spans, as models for entities have"
        )
    place = device_of(device)
    model.to(place).eval()
    longest = min(config.max_tokens, room(model, tokenizer))
    return Classifier(tokenizer, model, tags, place, config.batch, longest)


def find_spans(
    classifier: Classifier, texts: Sequence[str], offsets: Sequence[list[Offsets]]
) -> list[list[Span]]:
    """The spans of each text, on the given words; labels are the model's types.

    A word that stands in two windows has its tag from the one in which it stands farther from the
    rim. Windows are batched by length, in an order that depends on the texts alone.
    """
    windows = _windows(classifier, texts)
    order = sorted(range(len(windows)), key=lambda n: (len(windows[n].ids), n))
    outside = WordTag(OUTSIDE, 1.0, -1)
    tags = [[outside] * len(places) for places in offsets]
    depths = [[-1] * len(places) for places in offsets]  # of the token a word has its tag from
    for begin in range(0, len(order), classifier.batch):
        batch = [windows[n] for n in order[begin : begin + classifier.batch]]
        for window, probability_TC in zip(batch, _probabilities(classifier, batch), strict=True):
            best_T = probability_TC.max(1)
            firsts = first_tokens(window.offsets, offsets[window.text])
            for word, token in enumerate(firsts):
                depth = min(token, len(window.ids) - 1 - token)
                if token < 0 or depth <= depths[window.text][word]:
                    continue
                depths[window.text][word] = depth
                tag = classifier.tags[int(best_T.indices[token])]
                place = window.offsets[token][0]  # names the token whatever the window
                tags[window.text][word] = WordTag(tag, float(best_T.values[token]), place)
    return [spans_of(of_text) for of_text in tags]


def _windows(classifier: Classifier, texts: Sequence[str]) -> list[_Window]:
    if not texts:
        return []
    encoded = classifier.tokenizer(
        list(texts),
        truncation=True,
        max_length=classifier.max_tokens,
        stride=classifier.max_tokens // _OVERLAP,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_attention_mask=False,
    )
    return [
        _Window(text, ids, offsets)
        for text, ids, offsets in zip(
            encoded["overflow_to_sample_mapping"],
            encoded["input_ids"],
            encoded["offset_mapping"],
            strict=True,
        )
    ]


@torch.inference_mode()
def _probabilities(classifier: Classifier, batch: Sequence[_Window]) -> list[torch.Tensor]:
    """Of each window the probability of every tag of every token, T x C, on the CPU."""
    ids = [torch.tensor(window.ids) for window in batch]
    padding = classifier.tokenizer.pad_token_id or 0
    ids_NT = pad_sequence(ids, batch_first=True, padding_value=padding)
    real_NT = pad_sequence([torch.ones_like(part) for part in ids], batch_first=True)
    logits_NTC = classifier.model(
        input_ids=ids_NT.to(classifier.device), attention_mask=real_NT.to(classifier.device)
    ).logits
    probability_NTC = logits_NTC.softmax(2).cpu()
    return [
        probability_TC[: len(window.ids)]
        for window, probability_TC in zip(batch, probability_NTC, strict=True)
    ]
