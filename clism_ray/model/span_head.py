"""The span head: `[QUE]` states to pointers into their own sequence (paper, eq. 1 to 3)."""

import torch
from torch import Tensor, nn


class SpanHead(nn.Module):
    """W_s and W_e. Its weights pre-train on `[QUE]` and answer questions unchanged (eq. 10)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.start = nn.Linear(hidden, hidden, bias=False)
        self.end = nn.Linear(hidden, hidden, bias=False)
        for layer in (self.start, self.end):
            # Layer-normalised states have entries near 1, so this gives scores near 1.
            nn.init.normal_(layer.weight, std=1 / hidden)

    def forward(
        self, hidden_TD: Tensor, question_Q: Tensor, sequence_T: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Start and end scores, Q x T: x_k . W_s x_q and x_k . W_e x_q.

        Tokens of other sequences than the question's score minus infinity. All questions meet all
        tokens in one matrix product, whose work grows with the square of the micro-batch: of 16
        pairs it is a thousandth of the encoder's, of 256 a hundredth, and that in fp32.
        """
        asked_QD = hidden_TD[question_Q]
        other_QT = sequence_T[question_Q][:, None] != sequence_T[None, :]

        def scores(layer: nn.Linear) -> Tensor:
            pointer_QD: Tensor = layer(asked_QD)
            return (pointer_QD @ hidden_TD.T).masked_fill(other_QT, float("-inf"))

        return scores(self.start), scores(self.end)


def sequence_of_token(offsets_N1: Tensor, tokens: int) -> Tensor:
    """For each of T tokens laid end to end, the number of its sequence."""
    positions_T = torch.arange(tokens, device=offsets_N1.device)
    return torch.searchsorted(offsets_N1[1:], positions_T, right=True)
