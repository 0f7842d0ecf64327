"""Answers to a file of questions, as files.

NAME.json           {id: text}, as the scripts of SQuAD and MLQA read predictions
NAME.nbest.json     {id: [{text, start, end, score, probability}, ...]}, best first
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clism_ray.errors import InputError
from clism_ray.languages import check_language
from clism_ray.tasks.qa_answers import Found, predictions
from clism_ray.tasks.qa_metrics import mean_scores, score_answers
from clism_ray.tasks.qa_pipeline import QuestionAnswerer
from clism_ray.tasks.qa_questions import Question, languages_in, listed, read_questions, read_text

_REPORTS = 10  # lines of progress
_SHOWN = 3  # answers to one question


def read_to_answer(path: Path) -> list[Question]:
    """The questions of a file, with gold answers or without; says what had to be repaired.

    Raises InputError for a file that cannot be read, and for a blank question.
    """
    questions, repairs = read_questions(path, golds=False)
    blank = [question.id for question in questions if not question.question.strip()]
    if blank:
        raise InputError(f"{path}: blank questions: {listed(blank)}; give texts, or take them out")
    if repairs.moved or repairs.unplaced:
        print(repairs)
    return questions


def read_passage(path: Path) -> str:
    """A passage from a file of UTF-8; InputError if it cannot be read or is blank."""
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: is blank; expected a passage")
    return text


def check_output(path: Path, questions: Path) -> None:
    """InputError if answers to a file of questions cannot be written there, or would replace it."""
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{path}: expected the name of a file in a folder that is there")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: its folder may not be written; give a file in another one")
    if questions.resolve() in (path.resolve(), _n_best(path).resolve()):
        raise InputError(f"{path}: answers would replace the questions; give another name")


def print_answers(answerer: QuestionAnswerer, question: str, passage: str) -> None:
    """Answer one question; print the best answer, and the few after it."""
    answered = answerer.answer([Question("asked", question, passage, ())])
    if answered.counts.questions_cut:
        print(answerer.cut(answered.counts.questions_cut))
    for rank, found in enumerate(answered.found["asked"][:_SHOWN], 1):
        print(
            f"{rank}. {found.text}\n   characters {found.start} to {found.end}, "
            f"probability {found.probability:.3f}, score {found.score:.2f}"
        )


def answer_all(answerer: QuestionAnswerer, questions: Sequence[Question]) -> dict[str, list[Found]]:
    """The answers to each question by its id, best first; says how far it is."""
    found: dict[str, list[Found]] = {}
    cut = 0
    some = -(-len(questions) // _REPORTS)
    for first in range(0, len(questions), some):
        answered = answerer.answer(questions[first : first + some])
        found |= answered.found
        cut += answered.counts.questions_cut
        print(f"answered {len(found):,} of {len(questions):,} questions", flush=True)
    if cut:
        print(answerer.cut(cut))
    return found


def save_answers(path: Path, found: dict[str, list[Found]]) -> Path:
    """Write both files, each as a whole or not at all; returns the second's path.

    Raises InputError where that fails.
    """
    n_best = _n_best(path)
    _write(path, predictions(found))
    _write(n_best, {name: [each._asdict() for each in best] for name, best in found.items()})
    return n_best


def language_of(path: Path, given: str | None) -> str | None:
    """The language of the passages: as given, or as the names of MLQA's files and XQuAD's tell.

    Raises InputError if what is given is no language code.
    """
    if given is not None:
        return check_language(given)
    try:
        named = languages_in(path)
    except InputError:  # `xquad.merged.json` tells none
        return None
    return named.context if named else None


def scores_of(
    questions: Sequence[Question], found: dict[str, list[Found]], language: str | None
) -> str:
    """Exact match and F1 of the questions that have gold answers, as text.

    Args:
        questions: all of them.
        found: the answers to all of them.
        language: of the passages. If it is unknown, only SQuAD's rules can be applied.
    """
    gold = [question for question in questions if question.answers]
    if not gold:
        return "no gold answers to score with"
    said = predictions({question.id: found[question.id] for question in gold})
    means = mean_scores(score_answers(gold, said, language or ""))
    parts = [
        f"{rules} exact match {means[f'{key}_exact']:.2f}, F1 {means[f'{key}_f1']:.2f}"
        for rules, key in (("SQuAD", "squad"), ("MLQA", "mlqa"))
        if f"{key}_exact" in means
    ]
    if len(parts) == 1:
        parts.append("scoring by MLQA's rules needs --language")
    return f"{'; '.join(parts)} ({len(gold):,} questions with gold answers)"


def _n_best(path: Path) -> Path:
    return path.with_name(f"{path.stem}.nbest.json")


def _write(path: Path, content: Any) -> None:
    temporary = path.with_name(f"{path.name}.partial.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
