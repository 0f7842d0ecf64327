"""A model folder as a function that answers questions."""

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from clism_ray.errors import InputError
from clism_ray.model.span_reader import SpanReader
from clism_ray.tasks.qa_export import export_answer_model
from clism_ray.tasks.qa_pipeline import QuestionAnswerer
from clism_ray.tasks.qa_windows import WindowLimits
from tests.model.folders import PASSAGE, answering, shards

LIMITS = WindowLimits(max_tokens=30, stride=9, max_question_tokens=7)


@pytest.fixture(scope="module")
def answerer(
    tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> QuestionAnswerer:
    folder = tmp_path_factory.mktemp("answering")
    model = answering("xlm-roberta", tokenizer, folder / "start", LIMITS)
    export_answer_model(folder / "tuned", model, shards(model), tokenizer, LIMITS, "")
    return QuestionAnswerer(folder / "tuned", micro_batch=2)


def test_one_question_gives_its_best_answer_or_its_best_few(answerer: QuestionAnswerer) -> None:
    best = answerer(question="what is b ?", context=PASSAGE)
    assert isinstance(best, dict)
    assert PASSAGE[best["start"] : best["end"]] == best["answer"]
    few = answerer(question="what is b ?", context=PASSAGE, top_k=3)
    assert isinstance(few, list)
    assert few[0] == best
    assert len(few) == 3
    assert 1 >= few[0]["score"] >= few[1]["score"] >= few[2]["score"]
    many = answerer(question="what is b ?", context=PASSAGE, top_k=40)
    assert sum(each["score"] for each in many) == pytest.approx(1)
    assert len(many) > 20
    short = answerer(question="what is b ?", context=PASSAGE, top_k=9, max_answer_tokens=1)
    assert not any(" " in each["answer"] for each in short)


def test_answers_are_as_long_as_in_fine_tuning(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    limits = replace(LIMITS, max_answer_tokens=1)
    model = answering("xlm-roberta", tokenizer, tmp_path / "start", limits)
    export_answer_model(tmp_path / "tuned", model, shards(model), tokenizer, limits, "")
    ours = QuestionAnswerer(tmp_path / "tuned")(question="what is b ?", context=PASSAGE, top_k=9)
    assert not any(" " in each["answer"] for each in ours)
    theirs = SpanReader.from_folder(tmp_path / "tuned").answers("what is b ?", PASSAGE, n_best=9)
    assert [each["answer"] for each in ours] == [each.text for each in theirs]


def test_lists_give_lists_of_the_same_answers(answerer: QuestionAnswerer) -> None:
    asked = ["what is b ?", "what is d ?", "what is b ?"]
    alone = [answerer(question=question, context=PASSAGE) for question in asked]
    together = answerer(question=asked, context=PASSAGE)
    paired = answerer(question=asked, context=[PASSAGE] * 3)
    for one, two, three in zip(alone, together, paired, strict=True):
        assert (one["start"], one["end"]) == (two["start"], two["end"])
        assert one["score"] == pytest.approx(two["score"], abs=1e-4)
        assert two == three
    assert answerer(question=[], context=[]) == []
    assert answerer(question=asked[:1], context=PASSAGE, top_k=2) == [
        answerer(question=asked[0], context=PASSAGE, top_k=2)
    ]


def test_a_question_that_is_too_long_is_cut_with_a_warning(answerer: QuestionAnswerer) -> None:
    with pytest.warns(UserWarning, match="cut to their first 7 tokens: 1$"):
        answerer(question="what is b ? " * 5, context=PASSAGE)


@pytest.mark.parametrize(
    ("question", "context", "told"),
    [
        (" ", "text", "question '0': the question is blank"),
        (["what ?", "what ?"], ["text", ""], "question '1': the passage is blank"),
        (["what ?", "what ?"], ["text"], "2 questions, 1 contexts"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    answerer: QuestionAnswerer, question: str, context: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        answerer(question=question, context=context)
    with pytest.raises(InputError, match="top_k 0"):
        answerer(question="what ?", context="text", top_k=0)
