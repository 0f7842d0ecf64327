"""Word links by any Hugging Face encoder, from one of its layers; nothing is fitted.

The two sides go through the encoder apart, and `word_links` compares their states. SimAlign (Jalili
Sabet et al. 2020) and AwesomeAlign (Dou and Neubig 2021) found words of different languages nearest
each other two thirds up: in layer 8 of mBERT's and XLM-R's 12. A process holds one encoder. What
it says depends on the encoder and the layer; in the last digit also on the batch and the hardware.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerFast

from clism_ray.config_corpus import NeuralConfig
from clism_ray.corpus.arrays import Ints
from clism_ray.corpus.features import Features
from clism_ray.corpus.links import Links, links_of
from clism_ray.corpus.sides import Side
from clism_ray.corpus.translations import Link
from clism_ray.errors import InputError
from clism_ray.model.device import device_of
from clism_ray.model.encoder import is_packed
from clism_ray.model.named import fast_tokenizer, room, weights
from clism_ray.tasks.word_links import token_trust, word_links, words_of_tokens

KEY = "alignment.neural"
_BATCHES = 16  # among which pairs are sorted by length


@dataclass(frozen=True, slots=True)
class _Text:
    """One side, as the encoder reads it."""

    ids: list[int]
    words: list[range]  # of each token


@dataclass(frozen=True, slots=True, eq=False)
class NeuralAligner:
    """An encoder that is ready, on its device; a `Linker`."""

    tokenizer: PreTrainedTokenizerFast
    encoder: PreTrainedModel
    device: torch.device
    layer: int
    threshold: float
    at_once: int  # pairs that go through the encoder together
    max_tokens: int  # of a side, special tokens included
    is_independent: bool = True
    min_trust: float = 0.0  # the threshold has decided

    @property
    def batch(self) -> int:
        """Pairs that are best linked at a time."""
        return _BATCHES * self.at_once

    def links(
        self, source: Side, target: Side, features: tuple[Features, Features], pairs: Ints
    ) -> Links:
        """The links of some of the pairs; it cannot read a side of more than `max_tokens`."""
        sources, targets = self._texts(source.take(pairs)), self._texts(target.take(pairs))
        lengths = [
            (len(one.ids) + len(other.ids), len(one.ids), n)
            for n, (one, other) in enumerate(zip(sources, targets, strict=True))
            if max(len(one.ids), len(other.ids)) <= self.max_tokens
        ]
        order = [n for *_, n in sorted(lengths)]
        found: list[dict[Link, float] | None] = [None] * len(sources)
        for begin in range(0, len(order), self.at_once):
            batch = order[begin : begin + self.at_once]
            both = [sources[n] for n in batch], [targets[n] for n in batch]
            for n, links in zip(batch, self._batch(*both), strict=True):
                found[n] = links
        return links_of(found, source, target, pairs)

    def _texts(self, side: Side) -> list[_Text]:
        if not side.texts:
            return []
        encoded = self.tokenizer(
            list(side.texts),
            truncation=False,
            padding=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,  # of texts that are too long: `links` leaves them out
        )
        return [
            _Text(ids, words_of_tokens(offsets, words))
            for words, ids, offsets in zip(
                side.offsets(), encoded["input_ids"], encoded["offset_mapping"], strict=True
            )
        ]

    def _batch(
        self, sources: Sequence[_Text], targets: Sequence[_Text]
    ) -> Iterator[dict[Link, float]]:
        number = len(sources)
        states_NLD, is_word_NL = self._states([*sources, *targets])
        trust_NST = token_trust(
            states_NLD[:number],
            states_NLD[number:],
            is_word_NL[:number],
            is_word_NL[number:],
            self.threshold,
        ).cpu()
        for trust_ST, source, target in zip(trust_NST, sources, targets, strict=True):
            yield word_links(trust_ST, source.words, target.words)

    @torch.inference_mode()
    def _states(self, texts: Sequence[_Text]) -> tuple[Tensor, Tensor]:
        """The layer's states of all tokens, N x L x D, and which tokens are part of a word."""

        def padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
            tensors = [torch.tensor(row) for row in rows]
            return pad_sequence(tensors, batch_first=True, padding_value=value).to(self.device)

        ids_NL = padded([text.ids for text in texts], self.tokenizer.pad_token_id or 0)
        real_NL = padded([[1] * len(text.ids) for text in texts], 0)
        is_word_NL = padded([[int(len(w) > 0) for w in text.words] for text in texts], 0)
        states = self.encoder(
            input_ids=ids_NL, attention_mask=real_NL, output_hidden_states=True
        ).hidden_states
        return states[self.layer], is_word_NL.bool()


@lru_cache(maxsize=1)
def held_aligner(config: NeuralConfig, device: str) -> NeuralAligner:
    """The encoder of a configuration, loaded once in a process; errors as of `load_aligner`."""
    return load_aligner(config, device)


def load_aligner(config: NeuralConfig, device: str | None) -> NeuralAligner:
    """The encoder of a configuration; without a device, on a GPU if there is one.

    Raises InputError for one that is not there or cannot be used: no safetensors, code of its own,
    weights missing, no fast tokenizer, no encoder, fewer layers than the one that is asked for, or
    a device that this machine lacks.
    """
    tokenizer = fast_tokenizer(KEY, config.model, config.revision)
    encoder = weights(
        KEY,
        config.model,
        config.revision,
        AutoModel,
        "give a folder whose weights belong to its config.json",
        spare="pooler.",  # above all layers; masked language models come without one
    )
    layer = _layer(config, encoder.config)
    if is_packed(encoder.config):  # these families keep layers alike, with no norm after the last
        del encoder.encoder.layer[max(layer, 1) :]
    place = device_of(device)
    encoder.to(place).eval()
    return NeuralAligner(
        tokenizer=tokenizer,
        encoder=encoder,
        device=place,
        layer=layer,
        threshold=config.threshold,
        at_once=config.batch,
        max_tokens=room(encoder, tokenizer),
    )


def default_layer(layers: int) -> int:
    """Two thirds up, at least the first: 8 of 12, 4 of 6, 3 of 4, 1 of 2."""
    return max(1, round(2 * layers / 3))


def _layer(config: NeuralConfig, shape: object) -> int:
    layers = getattr(shape, "num_hidden_layers", None)
    if not isinstance(layers, int) or getattr(shape, "is_encoder_decoder", False):
        raise InputError(
            f"{KEY}: {config.model!r} is a {type(shape).__name__.removesuffix('Config')}; "
            "expected an encoder of some layers, such as BERT or XLM-R"
        )
    layer = default_layer(layers) if config.layer is None else config.layer
    if layer > layers:
        raise InputError(
            f"{KEY}.layer is {layer}, but {config.model!r} has {layers} layers; give one from 0, "
            f"the embeddings, to {layers}, or leave it out for layer {default_layer(layers)}"
        )
    return layer
