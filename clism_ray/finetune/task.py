"""What the training loop asks of a task, whichever it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clism_ray.config_tasks import GoldFile
from clism_ray.finetune.cell import Examples, Items


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a model's answers to one test file are worth."""

    items: Items
    metrics: dict[str, float]
    counts: dict[str, int]
    tokenizer: dict[str, float]
    predictions: Mapping[str, Any]  # by item


class Task(Protocol):
    """A task with its training examples and its model. Rows count what a forward takes: windows."""

    @property
    def model(self) -> nn.Module:
        """The model to fine-tune."""

    @property
    def train(self) -> Examples:
        """Where the rows come from."""

    @property
    def head(self) -> str:
        """Whether what answers was pre-trained or is drawn from the seed."""

    @property
    def rows(self) -> int:
        """How many there are."""

    def targets(self, rows: Sequence[int]) -> int:
        """How many terms the loss of these rows has."""

    def loss(self, engine: Any, rows: Sequence[int], device: torch.device) -> Tensor:
        """The sum of those terms; of no rows, 0 through the same graph."""

    def predict(self, file: GoldFile, rank: int, workers: int, micro_batch: int) -> Any:
        """What the model says to this worker's share of a test file. Can be pickled."""

    def judge(self, file: GoldFile, parts: Sequence[Any]) -> Judged:
        """Score what all workers predicted."""

    def export(self, folder: Any, weights: Mapping[str, Tensor], card: str) -> None:
        """Write the fine-tuned model as a folder that people can use."""
