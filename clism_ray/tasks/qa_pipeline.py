"""A model folder as a function that answers questions, called as transformers' pipelines are."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from clism_ray.errors import InputError
from clism_ray.model.device import device_of
from clism_ray.tasks.qa_answers import Found, answer_questions
from clism_ray.tasks.qa_export import load_answer_model
from clism_ray.tasks.qa_questions import Question
from clism_ray.tasks.qa_windows import WindowCounts, windows_to_answer

N_BEST = 20  # answers that probabilities are shared among


class Answer(TypedDict):
    """`context[start:end]`, and its probability among the answers found."""

    answer: str
    start: int
    end: int
    score: float


class Answered(NamedTuple):
    """All answers by question id, best first, and what making windows did to the questions."""

    found: dict[str, list[Found]]
    counts: WindowCounts


class QuestionAnswerer:
    """Answers from passages: `QuestionAnswerer(folder)(question="Who ...?", context="...")`.

    The folder is one that fine-tuning exported, or the `best` or `last` of a pre-training run.
    The device is a GPU if there is one and no other is named.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        device: str | None = None,
        precision: str = "fp32",
        micro_batch: int = 32,
    ) -> None:
        self.model, self.words, self.limits = load_answer_model(Path(folder), precision)
        self.model.to(device_of(device))
        self.micro_batch = micro_batch

    def __call__(
        self,
        question: str | Sequence[str],
        context: str | Sequence[str],
        *,
        top_k: int = 1,
        max_answer_tokens: int | None = None,
    ) -> Answer | list[Answer] | list[Answer | list[Answer]]:
        """The best answer; a list of the `top_k` best if that is not 1.

        Given a list of questions, a list of what each would give. They may share one context, or
        have as many. A question longer than `limits.max_question_tokens` is cut, with a warning.
        Answers are as long as they were in fine-tuning, unless another length is given.

        Raises InputError for a blank question or context, and for lists of unequal length.
        """
        asked = [question] if isinstance(question, str) else list(question)
        contexts = [context] * len(asked) if isinstance(context, str) else list(context)
        if len(asked) != len(contexts) or top_k < 1:
            raise InputError(
                f"{len(asked)} questions, {len(contexts)} contexts, top_k {top_k}; expected one "
                "context for all questions or for each, and top_k 1 or more"
            )
        questions = [
            Question(str(number), *pair, ())
            for number, pair in enumerate(zip(asked, contexts, strict=True))
        ]
        answered = self.answer(
            questions, n_best=max(N_BEST, top_k), max_answer_tokens=max_answer_tokens
        )
        if answered.counts.questions_cut:
            warnings.warn(self.cut(answered.counts.questions_cut), stacklevel=2)
        results = [_form(answered.found[asked.id], top_k) for asked in questions]
        return results[0] if isinstance(question, str) else results

    def answer(
        self,
        questions: Sequence[Question],
        *,
        n_best: int = N_BEST,
        max_answer_tokens: int | None = None,
    ) -> Answered:
        """At most `n_best` answers to each question; raises InputError for a blank one."""
        for question in questions:
            for name, text in (("question", question.question), ("passage", question.context)):
                if not text.strip():
                    raise InputError(f"question {question.id!r}: the {name} is blank; give a text")
        windows, counts = windows_to_answer(questions, self.words, self.limits)
        found = answer_questions(
            self.model,
            questions,
            windows,
            micro_batch=self.micro_batch,
            n_best=n_best,
            max_answer_tokens=max_answer_tokens or self.limits.max_answer_tokens,
        )
        return Answered(found, counts)

    def cut(self, questions: int) -> str:
        """What to tell people of so many questions that did not fit."""
        return (
            f"questions too long, cut to their first {self.limits.max_question_tokens} tokens: "
            f"{questions}"
        )


def _form(found: Sequence[Found], top_k: int) -> Answer | list[Answer]:
    answers = [
        Answer(answer=each.text, start=each.start, end=each.end, score=each.probability)
        for each in found[:top_k]
    ]
    return answers[0] if top_k == 1 else answers
