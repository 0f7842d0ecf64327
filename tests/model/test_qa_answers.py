"""Scores to answers: the best spans that are allowed, in an order that leaves nothing open."""

import math
import weakref
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clism_ray.errors import RunFailed
from clism_ray.model.pretrainer import Scores
from clism_ray.tasks.qa_answers import (
    Spans,
    answer_questions,
    best_answers,
    best_spans,
    predictions,
)
from clism_ray.tasks.qa_questions import Answer, Question
from clism_ray.tasks.qa_windows import Window

CONTEXT = "Ada met  Bob in Rome ."


def window(*characters: tuple[int, int], question: int = 0) -> Window:
    """A window whose passage is tokens with these characters."""
    offsets = np.array(characters, np.int32)
    return Window(question, np.zeros(len(offsets) + 4, np.int32), 3, offsets, 1, None)


def spans(*found: tuple[int, int, float]) -> Spans:
    first, last, score = zip(*found, strict=True)
    return Spans(np.array(first), np.array(last), np.array(score, np.float32))


def question(name: str = "q", context: str = CONTEXT) -> Question:
    return Question(name, "?", context, (Answer("x", None),))


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    n_best=st.integers(1, 30),
    longest=st.integers(1, 8),
    data=st.data(),
)
def test_best_spans_are_the_best_of_all_that_are_allowed(
    lengths: list[int], n_best: int, longest: int, data: st.DataObject
) -> None:
    # Two tokens that are no passage before each one, one after it; few values, so many ties.
    bounds = np.cumsum([0, *(length + 3 for length in lengths)]).tolist()
    values = st.lists(st.integers(-2, 2).map(float), min_size=bounds[-1], max_size=bounds[-1])
    start_T, end_T = data.draw(values), data.draw(values)
    own = torch.full((len(lengths), bounds[-1]), -math.inf)
    for row, (first, stop) in enumerate(pairwise(bounds)):
        own[row, first:stop] = 0
    scores = Scores(own + torch.tensor(start_T), own + torch.tensor(end_T))
    passages = [(first + 2, stop - 1) for first, stop in pairwise(bounds)]
    for found, (first, stop) in zip(
        best_spans(scores, passages, n_best, longest), passages, strict=True
    ):
        allowed = [
            (-(start_T[begin] + end_T[last]), begin - first, last - first)
            for begin in range(first, stop)
            for last in range(begin, min(begin + longest, stop))
        ]
        columns = (found.first_K.tolist(), found.last_K.tolist(), found.score_K.tolist())
        got = [(-score, begin, last) for begin, last, score in zip(*columns, strict=True)]
        assert got == sorted(allowed)[:n_best]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_no_numbers_fail_the_run(bad: float) -> None:
    start = torch.tensor([[0.0, bad, 0.0]])
    with pytest.raises(RunFailed, match="not finite"):
        best_spans(Scores(start, torch.zeros(1, 3)), [(0, 3)], 2, 2)


def test_an_answer_is_cut_from_the_passage_without_the_white_space_at_its_rims() -> None:
    tokens = window((0, 3), (3, 7), (8, 9), (8, 12))
    answers = best_answers([question()], [tokens], [spans((1, 3, 2.0), (2, 3, 1.0))], 5)
    first, second = answers["q"]
    assert (first.text, first.start, first.end) == ("met  Bob", 4, 12)
    assert (second.text, second.start) == ("Bob", 9)
    assert predictions(answers) == {"q": "met  Bob"}


def test_windows_compete_by_score_and_the_same_characters_count_once() -> None:
    windows = [window((0, 3), (4, 7)), window((4, 7), (9, 12)), window((0, 3), question=1)]
    found = [spans((1, 1, 1.0), (0, 0, 0.5)), spans((0, 0, 3.0), (1, 1, 2.0)), spans((0, 0, 9.0))]
    answers = best_answers([question(), question("r")], windows, found, 2)
    assert [(got.text, got.score) for got in answers["q"]] == [("met", 3.0), ("Bob", 2.0)]
    assert [got.probability for got in answers["q"]] == pytest.approx(
        [1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))]
    )
    assert [(got.text, got.probability) for got in answers["r"]] == [("Ada", 1.0)]


def test_equal_scores_go_to_the_earlier_and_then_the_shorter_answer() -> None:
    windows = [window((4, 7), (9, 12)), window((0, 3), (4, 7), (9, 12))]
    found = [spans((0, 1, 1.0), (1, 1, 1.0)), spans((1, 1, 1.0), (2, 2, 1.0))]
    answers = best_answers([question()], windows, found, 3)
    assert [got.text for got in answers["q"]] == ["met", "met  Bob", "Bob"]


def test_an_empty_answer_is_given_only_where_there_is_no_other() -> None:
    blank, word = window((7, 9)), window((9, 12))
    answers = best_answers([question()], [blank, word], [spans((0, 0, 9.0)), spans((0, 0, 1.0))], 5)
    assert [got.text for got in answers["q"]] == ["Bob"]
    assert predictions(best_answers([question()], [blank], [spans((0, 0, 9.0))], 5)) == {"q": ""}


class Pointing(torch.nn.Module):
    """Points anywhere, and remembers how many of its scores were still held when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.given: list[weakref.ref[torch.Tensor]] = []
        self.held: list[int] = []

    def point(self, tensors: dict[str, torch.Tensor], offsets: list[int]) -> Scores:
        self.held.append(sum(given() is not None for given in self.given))
        scores = Scores(*torch.rand(2, len(offsets) - 1, offsets[-1]).unbind())
        self.given += map(weakref.ref, scores)
        return scores


def test_scores_of_one_micro_batch_are_held_at_a_time_and_little_of_them_after_it() -> None:
    model: Any = Pointing()
    windows = [window((0, 3), (4, 7), (9, 12), question=n) for n in range(12)]
    questions = [question(str(n)) for n in range(12)]
    answers = answer_questions(model, questions, windows, micro_batch=2, n_best=1)
    assert len(answers) == 12
    assert len(model.held) == 6
    assert max(model.held) <= 2, (
        "starts and ends of the micro-batch before, until they are replaced"
    )
    (kept,) = best_spans(Scores(*torch.rand(2, 1, 9).unbind()), [(0, 9)], 2, 4)
    assert all(array.base is None for array in kept), "a view would hold all that it was cut from"
