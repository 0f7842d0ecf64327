"""Questions as they are published: XQuAD's first half in seven languages, few-shot SQuAD."""

import os
from pathlib import Path

import pytest

from clism_ray.tasks.qa_metrics import MLQA_LANGUAGES, mean_scores, score_answers
from clism_ray.tasks.qa_questions import Question, languages_in, read_questions

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("CLISM_DATA" not in os.environ, reason="CLISM_DATA names no folder"),
]


def folder() -> Path:
    return Path(os.environ["CLISM_DATA"]) / "qa"


def at_their_place(questions: list[Question]) -> bool:
    return all(
        answer.start is not None and question.context.startswith(answer.text, answer.start)
        for question in questions
        for answer in question.answers
    )


@pytest.mark.parametrize("language", MLQA_LANGUAGES)
def test_gold_answers_of_xquad_are_at_their_place_and_score_100(language: str) -> None:
    path = folder() / f"xquad-dev.{language}.json.gz"
    questions, repairs = read_questions(path)
    assert languages_in(path) == (language, language)
    assert len(questions) == 632
    assert at_their_place(questions)
    assert repairs.moved == repairs.unplaced == ()
    gold = {question.id: question.answers[0].text for question in questions}
    means = mean_scores(score_answers(questions, gold, language))
    assert means["squad_exact"] == means["mlqa_exact"] == 100
    # An answer of nothing but articles or punctuation has no words, and F1 0 by definition.
    assert min(means["squad_f1"], means["mlqa_f1"]) > 99


def test_all_languages_ask_the_same_questions() -> None:
    read = [read_questions(folder() / f"xquad-dev.{code}.json.gz")[0] for code in MLQA_LANGUAGES]
    assert len({tuple(question.id for question in questions) for questions in read}) == 1


def test_few_shot_samples_have_as_many_questions_as_they_say() -> None:
    questions, repairs = read_questions(folder() / "squad-fewshot.seed42.n128.jsonl.gz")
    assert len(questions) == 128
    assert at_their_place(questions)
    assert repairs.moved == repairs.unplaced == ()
