"""Windows laid end to end as a micro-batch, and the model that tags their words.

Shapes: T tokens of all windows, W words predicted in them, C tags, D hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from clism_ray.config import ModelConfig
from clism_ray.masking.examples import Vocabulary
from clism_ray.model.encoder import encode, load_masked_lm
from clism_ray.randomness import Use, torch_seed
from clism_ray.records import IGNORED
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.ner_windows import Window


@dataclass(frozen=True, slots=True)
class TagBatch:
    """A micro-batch without padding. An empty one has a dummy word, labelled IGNORED."""

    ids_T: Tensor
    offsets: tuple[int, ...]  # window n is tokens offsets[n] .. offsets[n + 1] - 1
    first_token_W: Tensor  # position in T
    label_W: Tensor  # number of the tag, or IGNORED
    sentence_W: Tensor  # where the word is from: which sentence, -1 for the dummy,
    word_W: Tensor  # and which of its words

    def to(self, device: torch.device) -> "TagBatch":
        """The same on a device."""
        tensors = ("ids_T", "first_token_W", "label_W", "sentence_W", "word_W")
        return replace(
            self, **{name: getattr(self, name).to(device, non_blocking=True) for name in tensors}
        )


def lay_out(windows: Sequence[Window]) -> TagBatch:
    """The micro-batch of some windows; of none, one that runs through the same graph for 0."""
    windows = windows or [Window(-1, (0, 0), (0,), (0,), (IGNORED,))]
    offsets = tuple(accumulate((len(window.ids) for window in windows), initial=0))
    return TagBatch(
        ids_T=torch.tensor([token for window in windows for token in window.ids]),
        offsets=offsets,
        first_token_W=torch.tensor(
            [
                offset + token
                for offset, window in zip(offsets, windows, strict=False)
                for token in window.first_tokens
            ]
        ),
        label_W=torch.tensor([label for window in windows for label in window.labels]),
        sentence_W=torch.tensor([window.sentence for window in windows for _ in window.words]),
        word_W=torch.tensor([word for window in windows for word in window.words]),
    )


class Tagger(nn.Module):
    """An encoder and a linear layer over the states of words' first tokens."""

    def __init__(
        self, masked_lm: PreTrainedModel, tags: int, dropout: float, precision: str
    ) -> None:
        super().__init__()
        # Without the MLM head, so that every parameter is used.
        self.encoder = cast(PreTrainedModel, masked_lm.base_model)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.encoder.config.hidden_size, tags)
        nn.init.normal_(self.classifier.weight, std=0.02)  # as all of the encoder's layers
        nn.init.zeros_(self.classifier.bias)
        self.precision = precision

    def forward(self, batch: TagBatch) -> Tensor:
        """A score for every tag of every word, W x C, in fp32."""
        device = batch.ids_T.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16"):
            states_TD = encode(
                self.encoder, batch.ids_T, torch.zeros_like(batch.ids_T), batch.offsets
            )
        states_WD = states_TD[batch.first_token_W].float()  # bf16 tells close scores not apart
        scores_WC: Tensor = self.classifier(self.dropout(states_WD))
        return scores_WC


def build_tagger(
    start: ModelConfig,
    words: Vocabulary,
    tags: TagSet,
    *,
    max_tokens: int,
    precision: str,
    seed: int,
    dropout: float = 0.1,
) -> Tagger:
    """The model a fine-tuning run starts with; equal seeds give equal weights on every worker.

    Raises:
        InputError: the start cannot be loaded, or has fewer positions than a window has tokens.
    """
    torch.manual_seed(torch_seed(Use.WEIGHTS, seed))
    masked_lm = load_masked_lm(start, words.tokenizer, max_tokens, "max_tokens of a window")
    return Tagger(masked_lm, len(tags), dropout, precision)


def tag_loss(scores_WC: Tensor, label_W: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of -log P(tag of the word), and how many words have a tag; IGNORED ones do not count."""
    total = F.cross_entropy(scores_WC, label_W, ignore_index=IGNORED, reduction="sum")
    return total, (label_W != IGNORED).sum()
