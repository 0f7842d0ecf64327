"""Windows in a micro-batch, scored by either head; and the whole way from questions to answers."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.model.span_head import SpanHead
from clism_ray.records import IGNORED
from clism_ray.tasks.qa_answers import answer_questions, predictions
from clism_ray.tasks.qa_batch import QuestionBatch, micro_batches, pack, to_tensors
from clism_ray.tasks.qa_metrics import mean_scores, score_answers
from clism_ray.tasks.qa_model import AnswerModel, PlainHead
from clism_ray.tasks.qa_questions import Answer, Question
from clism_ray.tasks.qa_windows import Window, WindowLimits, windows_to_answer, windows_to_train

CPU = torch.device("cpu")
PLACES = [("Paris", "one"), ("Berlin", "two"), ("Madrid", "three")]
QUESTIONS = [
    Question(
        f"q{number}-{asked}",
        f"{asked} ?",
        context := " ".join(f"{name} is {value} ." for name, value in PLACES[number:]),
        (Answer(value, context.index(value)),),
    )
    for number in range(2)
    for asked, value in PLACES[number:]
]
HEADS = pytest.mark.parametrize("with_question_token", [True, False])


@pytest.fixture(scope="module")
def words(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary(tokenizer)


def pretrained(tokenizer: PreTrainedTokenizerFast) -> PretrainModel:
    return build_model(
        ModelConfig(
            scratch=ScratchConfig(layers=2, hidden=32, heads=4, intermediate=48, dropout=0.0)
        ),
        TokenizerConfig(),
        tokenizer,
        temperature=0.1,
        language_pairs=1,
        precision="fp32",
        seed=5,
    )


def answering(tokenizer: PreTrainedTokenizerFast, with_question_token: bool) -> AnswerModel:
    start = pretrained(tokenizer)
    encoder = cast(PreTrainedModel, start.masked_lm.base_model)
    hidden = encoder.config.hidden_size
    head = start.span_head if with_question_token else PlainHead(hidden)
    return AnswerModel(encoder, head, "fp32")


def train_windows(words: Vocabulary, with_question_token: bool = True) -> list[Window]:
    limits = WindowLimits(60, 12, 8, with_question_token)
    return windows_to_train(QUESTIONS, words, limits)[0]


def run(model: AnswerModel, batch: QuestionBatch) -> tuple[Tensor, Tensor]:
    return model(to_tensors(batch, CPU), batch.offsets_N1.tolist())


def test_a_micro_batch_holds_its_windows_end_to_end(words: Vocabulary) -> None:
    windows = train_windows(words)
    assert len({len(window.ids_L) for window in windows}) > 1
    (batch, _) = micro_batches(windows, len(windows) - 1)
    for number, window in enumerate(windows[:-1]):
        start, stop = batch.offsets_N1[number : number + 2]
        first, after = batch.passage_N2[number]
        assert batch.ids_T[start:stop].tolist() == window.ids_L.tolist()
        assert batch.ids_T[batch.asking_N[number]] == words.question
        assert after - first == len(window.characters_P2)
        assert batch.types_T[start:stop].tolist() == [0] * (first - start) + [1] * (stop - first)
        assert batch.ids_T[[first - 1, after]].tolist() == [words.end, words.end]
        places = batch.start_N[number] - start, batch.end_N[number] - start
        assert places == window.answer


def test_windows_without_a_known_answer_have_no_label(words: Vocabulary) -> None:
    windows, _ = windows_to_answer(QUESTIONS, words, WindowLimits(30, 12, 8))
    assert set(pack(windows).start_N) == set(pack(windows).end_N) == {IGNORED}


@HEADS
def test_the_loss_is_the_surprise_at_both_ends_over_all_tokens_of_the_window(
    tokenizer: PreTrainedTokenizerFast, words: Vocabulary, with_question_token: bool
) -> None:
    model = answering(tokenizer, with_question_token)
    windows = train_windows(words, with_question_token)[:3]
    expected = 0.0
    for window in windows:  # alone: no other window may have a part in it
        batch = pack([window])
        with torch.no_grad():
            scores = model.point(to_tensors(batch, CPU), batch.offsets_N1.tolist())
        assert window.answer is not None
        for row, place in zip(scores, window.answer, strict=True):
            assert row.shape == (1, len(window.ids_L))
            expected -= float(row[0].log_softmax(0)[place])
    total, count = run(model, pack(windows))
    assert total.item() == pytest.approx(expected, rel=1e-4)
    assert int(count) == 3


def test_the_question_token_points_as_it_did_in_pre_training(
    tokenizer: PreTrainedTokenizerFast, words: Vocabulary
) -> None:
    start = pretrained(tokenizer).eval()
    model = AnswerModel(cast(PreTrainedModel, start.masked_lm.base_model), start.span_head, "fp32")
    batch = pack(train_windows(words))
    tensors, offsets = to_tensors(batch, CPU), batch.offsets_N1.tolist()
    before = start.point({**tensors, "question_Q": tensors["asking_N"]}, offsets)
    for one, other in zip(before, model.point(tensors, offsets), strict=True):
        assert torch.equal(one, other)


@HEADS
def test_an_empty_micro_batch_weighs_nothing_and_touches_every_weight_of_the_head(
    tokenizer: PreTrainedTokenizerFast, with_question_token: bool
) -> None:
    model = answering(tokenizer, with_question_token)
    total, count = run(model, pack([]))
    total.backward()
    assert (total.item(), int(count)) == (0.0, 0)
    for weight in model.parameters():
        assert weight.grad is not None
        assert not weight.grad.any()


def test_the_plain_head_scores_each_token_by_itself() -> None:
    head = PlainHead(4)
    hidden_TD, sequence_T = torch.randn(5, 4), torch.tensor([0, 0, 1, 1, 1])
    start_NT, end_NT = head(hidden_TD, torch.tensor([0, 2]), sequence_T)
    scores = head.scores(hidden_TD)
    for got, expected in ((start_NT, scores[:, 0]), (end_NT, scores[:, 1])):
        assert torch.equal(got[0, :2], expected[:2])
        assert torch.equal(got[1, 2:], expected[2:])
        assert got[0, 2:].isneginf().all()
        assert got[1, :2].isneginf().all()


@pytest.mark.parametrize(
    ("with_question_token", "questions"),
    # Without [QUE] so small and untrained an encoder does not learn to look at the question, so
    # there is one question a passage.
    [(True, QUESTIONS), (False, [QUESTIONS[0], QUESTIONS[3]])],
)
def test_a_tiny_encoder_learns_to_answer(
    tokenizer: PreTrainedTokenizerFast,
    words: Vocabulary,
    with_question_token: bool,
    questions: list[Question],
) -> None:
    model = answering(tokenizer, with_question_token)
    limits = WindowLimits(60, 12, 8, with_question_token)
    batch = pack(windows_to_train(questions, words, limits)[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for _ in range(50):
        optimizer.zero_grad()
        total, count = run(model, batch)
        (total / count).backward()
        optimizer.step()
    windows, _ = windows_to_answer(questions, words, limits)
    answers = answer_questions(model, questions, windows, micro_batch=2, n_best=3)
    scores = mean_scores(score_answers(questions, predictions(answers), "en"))
    assert scores["squad_exact"] == 100
    for question in questions:
        found = answers[question.id]
        assert len(found) == 3
        assert sum(got.probability for got in found) == pytest.approx(1)
        assert all(question.context[got.start : got.end] == got.text for got in found)


def test_answers_do_not_depend_on_the_size_of_micro_batches(
    tokenizer: PreTrainedTokenizerFast, words: Vocabulary
) -> None:
    model = answering(tokenizer, True)
    assert isinstance(model.head, SpanHead)
    windows, _ = windows_to_answer(QUESTIONS, words, WindowLimits(30, 12, 8))
    assert len(windows) > len(QUESTIONS)
    one, many = (answer_questions(model, QUESTIONS, windows, micro_batch=n) for n in (1, 5))
    assert predictions(one) == predictions(many)
    for question in QUESTIONS:
        scores = [[got.score for got in answers[question.id]] for answers in (one, many)]
        assert np.allclose(*scores, atol=1e-4)
