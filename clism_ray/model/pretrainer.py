"""The pre-training model: a micro-batch in, the sums of every loss out. One encoder call.

Shapes: B pairs, N sequences, T tokens, Q questions, M masked tokens, D hidden size, V vocabulary,
L language pairs.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from clism_ray.config import ModelConfig, TokenizerConfig
from clism_ray.losses.cacr import TERMS, cacr_loss, mean_pool
from clism_ray.losses.clism import clism_loss, exact_spans
from clism_ray.losses.mlm import mlm_loss
from clism_ray.model.encoder import encode, load_masked_lm, mlm_head
from clism_ray.model.export import load_span_head, pretrained_head
from clism_ray.model.span_head import SpanHead, sequence_of_token
from clism_ray.randomness import Use, torch_seed
from clism_ray.records import IGNORED


class Scores(NamedTuple):
    """Where each question points, for those who want to look."""

    start_QT: Tensor
    end_QT: Tensor


class PretrainModel(nn.Module):
    """An encoder with its MLM head and the span head."""

    def __init__(
        self, masked_lm: PreTrainedModel, temperature: float, language_pairs: int, precision: str
    ) -> None:
        super().__init__()
        self.masked_lm = masked_lm
        self.span_head = SpanHead(masked_lm.config.hidden_size)
        self.temperature = temperature
        self.language_pairs = language_pairs
        self.precision = precision
        mlm_head(masked_lm)  # fails here, not in the middle of a run

    def forward(
        self, batch: dict[str, Tensor], offsets: Sequence[int], vectors_alone: bool = False
    ) -> dict[str, Tensor]:
        """Sums over the micro-batch, each a scalar unless its shape is given.

        Keys: `clism`, `mlm`, and CACR's `target_masked`, `plain_masked`, `target_plain`;
        by language pair, `exact_L` and `asked_L`, questions answered exactly and asked, `mlm_L`
        and `masked_L`, the MLM loss and its tokens. The counts to divide by are in `counts_of`.
        `pooled_3BD` and `alone_2BD` are no sums but vectors: those of eq. 6, with their graph; and
        of the plain sources and of the targets alone (zeros where the micro-batch has none, as in
        training), without.

        Args:
            batch: the arrays of `records.Batch` as tensors.
            offsets: its `offsets_N1` as numbers, which the CPU needs without waiting for a GPU.
            vectors_alone: give `pooled_3BD` only, and run no head.
        """
        pairs = len(batch["row_id_B"])
        with self._autocast():
            hidden_TD = self._encode(batch, offsets)
            if vectors_alone:
                return {"pooled_3BD": mean_pool(hidden_TD.float(), batch["pool_T"], 3 * pairs)}
            logits_MV = mlm_head(self.masked_lm)(hidden_TD[batch["masked_M"]])
        hidden_TD = hidden_TD.float()  # losses are taken in fp32
        scores = self._point(hidden_TD, batch)
        clism, _ = clism_loss(*scores, batch["start_Q"], batch["end_Q"])
        mlm_L, masked_L = mlm_loss(
            logits_MV.float(),
            batch["label_M"],
            _language_of(batch["masked_M"], batch),
            self.language_pairs,
        )
        pooled_4BD = mean_pool(hidden_TD, batch["pool_T"], 4 * pairs)
        pooled_3BD = pooled_4BD[: 3 * pairs]
        terms, _ = cacr_loss(
            pooled_3BD,
            self.temperature,
            batch["source_key_B"],
            batch["target_key_B"],
            batch["row_id_B"] >= 0,
        )
        exact_Q = exact_spans(*scores, batch["start_Q"], batch["end_Q"])
        return {
            "clism": clism,
            "mlm": mlm_L.sum(),
            **dict(zip(TERMS, terms, strict=True)),
            **self._by_language(exact_Q, batch),
            "mlm_L": mlm_L.detach(),
            "masked_L": masked_L,
            "pooled_3BD": pooled_3BD,
            "alone_2BD": pooled_4BD[2 * pairs :].detach(),
        }

    def point(self, batch: dict[str, Tensor], offsets: Sequence[int]) -> Scores:
        """The scores of every question over the tokens of its sequence."""
        with self._autocast():
            hidden_TD = self._encode(batch, offsets)
        return self._point(hidden_TD.float(), batch)

    def _encode(self, batch: dict[str, Tensor], offsets: Sequence[int]) -> Tensor:
        encoder = cast(PreTrainedModel, self.masked_lm.base_model)
        return encode(encoder, batch["ids_T"], batch["types_T"], offsets)

    def _point(self, hidden_TD: Tensor, batch: dict[str, Tensor]) -> Scores:
        sequence_T = sequence_of_token(batch["offsets_N1"], len(hidden_TD))
        return Scores(*self.span_head(hidden_TD, batch["question_Q"], sequence_T))

    def _by_language(self, exact_Q: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        asked_Q = batch["start_Q"] != IGNORED
        language_Q = _language_of(batch["question_Q"], batch)
        zeros_L = torch.zeros(self.language_pairs, dtype=torch.float32, device=exact_Q.device)
        return {
            "exact_L": zeros_L.index_add(0, language_Q, (exact_Q & asked_Q).float()),
            "asked_L": zeros_L.index_add(0, language_Q, asked_Q.float()),
        }

    def _autocast(self) -> AbstractContextManager[None]:
        # Weights, gradients and their sums stay in fp32; only the products run in bf16.
        device = next(self.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16")


def _language_of(position: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """The language pair of each position in a joint sequence."""
    pair = torch.searchsorted(batch["offsets_N1"][1:], position, right=True)
    return batch["language_B"][pair]


def build_model(
    model: ModelConfig,
    limits: TokenizerConfig,
    tokenizer: PreTrainedTokenizerFast,
    *,
    temperature: float,
    language_pairs: int,
    precision: str,
    seed: int,
) -> PretrainModel:
    """The model a run starts with; equal seeds give equal weights on every worker.

    A start that was pre-trained here brings its span head; beside any other one it is drawn.
    """
    torch.manual_seed(torch_seed(Use.WEIGHTS, seed))
    max_tokens = limits.max_source_tokens + limits.max_target_tokens
    masked_lm = load_masked_lm(model, tokenizer, max_tokens)
    built = PretrainModel(masked_lm, temperature, language_pairs, precision)
    if head := pretrained_head(model):
        built.span_head = load_span_head(head, masked_lm.config.hidden_size)
    return built
