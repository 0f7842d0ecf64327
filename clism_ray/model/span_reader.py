"""Answers questions with a model folder of clism_ray: torch, transformers, safetensors, no more.

This one file lies in every folder of a model that asks with `[QUE]`, so that the folder is enough:

    import sys
    sys.path.insert(0, FOLDER)
    from span_head import SpanReader
    reader = SpanReader.from_folder(FOLDER)
    print(reader.answer("Who wrote it?", "It was written by Ada.").text)

A passage is read through windows [CLS] question [QUE] [SEP] passage [SEP]. The state x of `[QUE]`
scores token k of the passage with x_k . W_s x as the answer's start, x_k . W_e x as its end.

Shapes: N windows of L tokens, P of them of the passage, D hidden size, A tokens of an answer.
"""

import inspect
import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

Offsets = list[tuple[int, int]]
_POSITIONS_AFTER_PADDING_ID = frozenset(
    {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "mpnet"}
)


class Answer(NamedTuple):
    """`passage[start:end]`, without white space at its rims."""

    text: str
    start: int
    end: int
    score: float  # of its start and its end, before any softmax
    probability: float  # among the answers found; they sum to 1


class _Window(NamedTuple):
    ids: list[int]
    asking: int  # position of [QUE]
    passage: int  # position of the passage's first token
    offsets: Offsets  # of its tokens of the passage, in characters


@dataclass(frozen=True)
class SpanReader:
    """An encoder, W_s and W_e, and how long its windows are."""

    encoder: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    weights: dict[str, Tensor]  # start.weight and end.weight, D x D
    max_tokens: int
    stride: int  # tokens from the start of a window to the start of the next
    max_question_tokens: int  # of a longer question, the rest is cut off, with a warning
    max_answer_tokens: int = 30
    batch: int = 32  # windows encoded at a time

    @classmethod
    def from_folder(cls, folder: str | Path, device: str = "cpu") -> "SpanReader":
        """The model of a folder that holds `span_head.safetensors`.

        Its windows are those of `reading.json`, which fine-tuning left; else the usual ones.
        """
        encoder: Any = load_encoder(folder)  # `to` of transformers has no usable type
        windows: tuple[int, ...] = usual_windows(encoder.config)
        path = Path(folder, "reading.json")
        if path.is_file():
            reading = json.loads(path.read_text(encoding="utf-8"))
            windows = tuple(reading[key] for key in ("max_tokens", "stride", "max_question_tokens"))
            windows += (reading.get("max_answer_tokens", cls.max_answer_tokens),)
        return cls(
            encoder.to(device),
            cast(PreTrainedTokenizerFast, AutoTokenizer.from_pretrained(folder)),
            load_file(Path(folder, "span_head.safetensors"), device=device),
            *windows,
        )

    def answer(self, question: str, passage: str) -> Answer:
        """The best answer."""
        return self.answers(question, passage)[0]

    def answers(
        self, question: str, passage: str, n_best: int = 20, max_answer_tokens: int | None = None
    ) -> list[Answer]:
        """At most `n_best` answers, best first and at least one; as long as the model's own.

        Raises:
            ValueError: the question or the passage is blank, or has no tokens.
        """
        best: dict[tuple[int, int], float] = {}
        longest = max_answer_tokens or self.max_answer_tokens
        windows = list(self._windows(question, passage))
        for first in range(0, len(windows), self.batch):
            some = windows[first : first + self.batch]
            for window, start_L, end_L in zip(some, *self._scores(some), strict=True):
                own = slice(window.passage, window.passage + len(window.offsets))
                spans = best_spans(start_L[own], end_L[own], n_best, longest)
                for token, last, score in spans:
                    start, end = window.offsets[token][0], window.offsets[last][1]
                    text = passage[start:end]
                    start += len(text) - len(text.lstrip())
                    place = start, start + len(text.strip())
                    best[place] = max(score, best.get(place, -math.inf))
        return _ranked(passage, best, n_best)

    def _windows(self, question: str, passage: str) -> Iterator[_Window]:
        if not question.strip() or not passage.strip():
            raise ValueError("the question or the passage is blank")
        asked, _ = self._tokens(question)
        ids, offsets = self._tokens(passage)
        if not ids:
            raise ValueError(f"the tokenizer makes no tokens of the passage {passage[:40]!r}")
        if len(asked) > self.max_question_tokens:
            warnings.warn(
                f"question of {len(asked)} tokens cut to {self.max_question_tokens}", stacklevel=4
            )
        tokenizer = self.tokenizer
        begin = _first(tokenizer.cls_token_id, tokenizer.bos_token_id)
        end = _first(tokenizer.sep_token_id, tokenizer.eos_token_id)
        question_token = tokenizer.get_vocab()["[QUE]"]
        head = [begin, *asked[: self.max_question_tokens], question_token, end]
        room = self.max_tokens - len(head) - 1
        for start in range(0, max(len(ids) - room, 0) + self.stride, self.stride):
            stop = start + room
            yield _Window(
                [*head, *ids[start:stop], end], len(head) - 2, len(head), offsets[start:stop]
            )

    def _tokens(self, text: str) -> tuple[list[int], Offsets]:
        encoded = self.tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,  # "[QUE]" or "</s>" in a text is text
            return_offsets_mapping=True,
            verbose=False,
        )
        return encoded["input_ids"], encoded["offset_mapping"]

    @torch.inference_mode()
    def _scores(self, windows: list[_Window]) -> tuple[Tensor, Tensor]:
        """Start and end scores, N x L each."""
        config, device = self.encoder.config, self.encoder.device
        lengths_N = torch.tensor([len(window.ids) for window in windows])
        ids = [torch.tensor(window.ids) for window in windows]
        ids_NL = pad_sequence(ids, batch_first=True, padding_value=config.pad_token_id or 0)
        place_L = torch.arange(ids_NL.shape[1])
        passage_N = torch.tensor([window.passage for window in windows])
        inputs = {"input_ids": ids_NL, "attention_mask": (place_L < lengths_N[:, None]).long()}
        if getattr(config, "type_vocab_size", 0) > 1:
            of_passage_NL = (place_L >= passage_N[:, None]) & (place_L < lengths_N[:, None])
            inputs["token_type_ids"] = of_passage_NL.long()
        hidden_NLD = self.encoder(**{name: part.to(device) for name, part in inputs.items()})[0]
        asking_N = torch.tensor([window.asking for window in windows], device=device)
        asking_ND = hidden_NLD[torch.arange(len(windows), device=device), asking_N]
        start_NL, end_NL = (
            (hidden_NLD @ (asking_ND @ self.weights[name].T)[:, :, None])[:, :, 0].cpu()
            for name in ("start.weight", "end.weight")
        )
        return start_NL, end_NL


def load_encoder(folder: str | Path) -> PreTrainedModel:
    """The encoder of a model folder, in fp32 and in evaluation mode, without pooling or MLM head.

    `AutoModel` would add a pooling layer to a BERT, draw its weights and warn of them.
    """
    (name,) = AutoConfig.from_pretrained(folder).architectures
    kind = getattr(transformers, name)
    has_pooler = "add_pooling_layer" in inspect.signature(kind.__init__).parameters
    options: dict[str, Any] = {"add_pooling_layer": False} if has_pooler else {}
    model = kind.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, **options)
    return cast(PreTrainedModel, model.eval().base_model)


def usual_windows(config: Any) -> tuple[int, int, int]:
    """Tokens of a window, from one to the next, and of a question at most.

    In an encoder of few positions a quarter is left to the question, and half overlaps.
    """
    max_tokens = min(384, positions(config))
    question = min(64, max_tokens // 4)
    stride = min(128, max((max_tokens - question - 4) // 2, 1))
    return max_tokens, stride, question


def positions(config: Any) -> int:
    """The longest sequence an encoder can take."""
    return int(config.max_position_embeddings) - first_position(config)


def first_position(config: Any) -> int:
    """The number of a sequence's first position."""
    after_padding = config.model_type in _POSITIONS_AFTER_PADDING_ID
    return int(config.pad_token_id) + 1 if after_padding else 0


def best_spans(
    start_P: Tensor, end_P: Tensor, n_best: int, max_answer_tokens: int
) -> list[tuple[int, int, float]]:
    """First token, last token and score of the best spans, exactly, out of all that are allowed.

    Equal scores: the earlier start goes first, then the shorter span.
    """
    end_P = torch.nn.functional.pad(end_P, (0, max_answer_tokens - 1), value=-math.inf)
    span_PA = start_P[:, None] + end_P.unfold(0, max_answer_tokens, 1)
    scores, order = span_PA.flatten().sort(descending=True, stable=True)
    return [
        (place // max_answer_tokens, sum(divmod(place, max_answer_tokens)), score)
        for score, place in zip(scores[:n_best].tolist(), order[:n_best].tolist(), strict=True)
        if math.isfinite(score)
    ]


def _ranked(passage: str, scores: dict[tuple[int, int], float], n_best: int) -> list[Answer]:
    """Best first; equal scores: the earlier, then the shorter. An empty text only if all are."""
    texts = {place: score for place, score in scores.items() if place[0] < place[1]} or scores
    ranked = sorted(texts.items(), key=lambda item: (-item[1], item[0]))[:n_best]
    weights = [math.exp(score - ranked[0][1]) for _, score in ranked]
    return [
        Answer(passage[start:end], start, end, score, weight / sum(weights))
        for ((start, end), score), weight in zip(ranked, weights, strict=True)
    ]


def _first(*ids: int | None) -> int:
    return next(token for token in ids if token is not None)
