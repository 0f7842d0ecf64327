"""The model that answers: an encoder and a head that scores where an answer starts and ends.

Shapes: N windows, T tokens of all windows, D hidden size.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from clism_ray.config import ModelConfig
from clism_ray.losses.clism import clism_loss
from clism_ray.masking.examples import Vocabulary
from clism_ray.model.encoder import encode, load_masked_lm
from clism_ray.model.export import load_span_head, pretrained_head
from clism_ray.model.pretrainer import Scores
from clism_ray.model.span_head import SpanHead, sequence_of_token
from clism_ray.randomness import Use, torch_seed
from clism_ray.tasks.qa_windows import WindowLimits


class PlainHead(nn.Module):
    """Start and end scores from each token alone: w_s . x_k and w_e . x_k, as BERT reads SQuAD.

    For baselines: there is no [QUE] to ask with, and nothing of it was pre-trained.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.scores = nn.Linear(hidden, 2)
        nn.init.normal_(self.scores.weight, std=0.02)
        nn.init.zeros_(self.scores.bias)

    def forward(
        self, hidden_TD: Tensor, asking_N: Tensor, sequence_T: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Start and end scores, N x T, minus infinity for tokens of other windows than n's own.

        The shapes are the span head's; all that counts of `asking_N` is which window it is in.
        """
        start_T, end_T = self.scores(hidden_TD).unbind(1)
        other_NT = sequence_T[asking_N][:, None] != sequence_T[None, :]
        return (
            start_T.expand_as(other_NT).masked_fill(other_NT, float("-inf")),
            end_T.expand_as(other_NT).masked_fill(other_NT, float("-inf")),
        )


class AnswerModel(nn.Module):
    """An encoder with the pre-trained span head, which asks with [QUE], or with a plain one."""

    def __init__(
        self, encoder: PreTrainedModel, head: SpanHead | PlainHead, precision: str
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.precision = precision

    def forward(self, batch: dict[str, Tensor], offsets: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Sum over windows of -log P(start) - log P(end), and how many have an answer (eq. 4).

        The softmax runs over all tokens of a window, question and special ones too, as in
        pre-training (eq. 2, 3): the head goes on with the task it knows. Answers are sought in
        the passage only.

        Args:
            batch: the arrays of `QuestionBatch` as tensors.
            offsets: its `offsets_N1` as numbers, which the CPU needs without waiting for a GPU.
        """
        return clism_loss(*self.point(batch, offsets), batch["start_N"], batch["end_N"])

    def point(self, batch: dict[str, Tensor], offsets: Sequence[int]) -> Scores:
        """Start and end scores, N x T, in fp32; minus infinity for tokens of other windows."""
        with self._autocast():
            hidden_TD = encode(self.encoder, batch["ids_T"], batch["types_T"], offsets)
        sequence_T = sequence_of_token(batch["offsets_N1"], len(hidden_TD))
        return Scores(*self.head(hidden_TD.float(), batch["asking_N"], sequence_T))

    def _autocast(self) -> AbstractContextManager[None]:
        # Weights, gradients and their sums stay in fp32; only the products run in bf16.
        device = next(self.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16")


def build_answer_model(
    start: ModelConfig, words: Vocabulary, limits: WindowLimits, *, precision: str, seed: int
) -> AnswerModel:
    """The model a fine-tuning run starts with; equal seeds give equal weights on every worker.

    The span head is the one in the folder of the start. Where there is none, as beside an encoder
    that was not pre-trained with [QUE] or on a hub, it is drawn, as a plain head always is. The MLM
    head is left out, so that every parameter has a part in the loss.

    Raises:
        InputError: the start cannot be loaded, has fewer positions than a window has tokens, or
            a span head of another size.
    """
    torch.manual_seed(torch_seed(Use.WEIGHTS, seed))
    masked_lm = load_masked_lm(start, words.tokenizer, limits.max_tokens, "max_tokens of a window")
    encoder = cast(PreTrainedModel, masked_lm.base_model)
    hidden = encoder.config.hidden_size
    if not limits.with_question_token:
        return AnswerModel(encoder, PlainHead(hidden), precision)
    path = pretrained_head(start)
    head = load_span_head(path, hidden) if path else SpanHead(hidden)
    return AnswerModel(encoder, head, precision)
