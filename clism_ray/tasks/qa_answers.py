"""Scores to answers: the best spans of each window, and of all windows of a question.

A span starts at a token of the passage, ends at it or later, and has at most so many tokens. Its
score is start score + end score. Scores of windows are compared as they are, before any softmax:
a window without an answer then has low scores instead of a sure wrong one.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from clism_ray.errors import RunFailed
from clism_ray.model.pretrainer import Scores
from clism_ray.tasks.qa_batch import micro_batches, to_tensors
from clism_ray.tasks.qa_model import AnswerModel
from clism_ray.tasks.qa_questions import Question
from clism_ray.tasks.qa_windows import Window


class Found(NamedTuple):
    """An answer, cut from its passage: `context[start:end]`, without white space at its rims."""

    text: str
    start: int
    end: int
    score: float
    probability: float  # among the answers found to this question; they sum to 1


class Spans(NamedTuple):
    """The best spans of one window, best first, in tokens of its passage, last included."""

    first_K: NDArray[np.int64]
    last_K: NDArray[np.int64]
    score_K: NDArray[np.float32]


def answer_questions(
    model: AnswerModel,
    questions: Sequence[Question],
    windows: Sequence[Window],
    *,
    micro_batch: int = 32,
    n_best: int = 20,
    max_answer_tokens: int = 30,
) -> dict[str, list[Found]]:
    """At most `n_best` answers to each question by its id, best first and at least one.

    Args:
        model: is put in evaluation mode; answers on the device it is on.
        questions: those the windows were made of.
        windows: all of theirs, as `windows_to_answer` makes them.
        micro_batch: windows at a time. Scores of more are never held.
        n_best: spans to keep of each window and of each question.
        max_answer_tokens: of the longest answer.
    """
    model.eval()
    device = next(model.parameters()).device
    spans: list[Spans] = []
    with torch.no_grad():
        for batch in micro_batches(windows, micro_batch):
            tensors = to_tensors(batch, device)
            scores = model.point(tensors, batch.offsets_N1.tolist())
            spans += best_spans(scores, batch.passage_N2.tolist(), n_best, max_answer_tokens)
    return best_answers(questions, windows, spans, n_best)


def best_spans(
    scores: Scores, passages: Sequence[tuple[int, int]], n_best: int, max_answer_tokens: int
) -> list[Spans]:
    """The best spans of each of N windows: exactly, out of all that are allowed.

    Equal scores: the earlier start goes first, then the shorter span. Costs N x longest passage
    x max_answer_tokens numbers on the device.

    Args:
        scores: N x T each.
        passages: of each window, the passage's first token in T and the one after its last.
    """
    ends_at = max_answer_tokens - 1
    start_NP = _own_passages(scores.start_QT, passages, longer=0)
    end_NP = _own_passages(scores.end_QT, passages, longer=ends_at)
    span_NPA = start_NP[:, :, None] + end_NP.unfold(1, max_answer_tokens, 1)
    # Not topk: which of several equal scores it takes is left open.
    sorted_NS, order_NS = span_NPA.flatten(1).sort(dim=1, descending=True, stable=True)
    kept_NK = sorted_NS[:, :n_best].cpu().numpy()
    order_NK = order_NS[:, :n_best].cpu().numpy()
    if not np.isfinite(kept_NK[:, 0]).all():
        raise RunFailed("the model's scores are not finite numbers; training has diverged")
    found = []
    for score_K, order_K in zip(kept_NK, order_NK, strict=True):
        allowed = np.isfinite(score_K)
        first_K, more_K = np.divmod(order_K[allowed], max_answer_tokens)
        found.append(Spans(first_K, first_K + more_K, score_K[allowed]))
    return found


def best_answers(
    questions: Sequence[Question],
    windows: Sequence[Window],
    spans: Iterable[Spans],
    n_best: int,
) -> dict[str, list[Found]]:
    """The best spans of each question's windows, as texts. The same characters count once."""
    scores: dict[int, dict[tuple[int, int], float]] = defaultdict(dict)
    for window, found in zip(windows, spans, strict=True):
        context, best = questions[window.question].context, scores[window.question]
        starts = window.characters_P2[found.first_K, 0].tolist()
        ends = window.characters_P2[found.last_K, 1].tolist()
        for start, end, score in zip(starts, ends, found.score_K.tolist(), strict=True):
            place = _without_rims(context, start, end)
            best[place] = max(score, best.get(place, -math.inf))
    return {
        questions[index].id: _ranked(questions[index].context, best, n_best)
        for index, best in scores.items()
    }


def predictions(answers: dict[str, list[Found]]) -> dict[str, str]:
    """The best answer to each question, as the metrics want it."""
    return {name: found[0].text for name, found in answers.items()}


def _own_passages(scores_NT: Tensor, passages: Sequence[tuple[int, int]], longer: int) -> Tensor:
    """N x (longest passage + longer): each window's scores over its passage, then -infinity."""
    rows = [row[first:stop] for row, (first, stop) in zip(scores_NT, passages, strict=True)]
    padded = pad_sequence(rows, batch_first=True, padding_value=-math.inf)
    return torch.nn.functional.pad(padded, (0, longer), value=-math.inf)


def _without_rims(context: str, start: int, end: int) -> tuple[int, int]:
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    return start, start + len(text.strip())


def _ranked(context: str, scores: dict[tuple[int, int], float], n_best: int) -> list[Found]:
    """Best first; equal scores: the earlier, then the shorter. An empty text only if all are."""
    texts = {place: score for place, score in scores.items() if place[0] < place[1]} or scores
    ranked = sorted(texts.items(), key=lambda item: (-item[1], item[0]))[:n_best]
    weights = [math.exp(score - ranked[0][1]) for _, score in ranked]
    return [
        Found(context[start:end], start, end, score, weight / sum(weights))
        for ((start, end), score), weight in zip(ranked, weights, strict=True)
    ]
