"""Exact match and F1 of answers, as SQuAD v1.1 and as MLQA define them.

Both compare texts after normalisation and take the best of a question's gold answers. They differ
in what is normalised away: SQuAD v1.1 knows English articles and ASCII punctuation and splits at
white space; MLQA knows the articles of each of its languages and the punctuation of all scripts,
and takes each Chinese character for a word. XQuAD is reported with the first, MLQA with the second.
The second goes on here where MLQA ends: other languages keep their articles, and their words are
those of `corpus.words`, so that a Thai or Japanese letter is a word.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import NamedTuple

from clism_ray.corpus.words import surfaces
from clism_ray.errors import InputError
from clism_ray.tasks.qa_questions import Question, listed

MLQA_LANGUAGES = ("ar", "de", "en", "es", "hi", "vi", "zh")

_ENGLISH_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ARTICLES = {
    # Arabic's is a prefix; MLQA takes it out wherever it stands.
    "ar": re.compile("ال"),
    "de": re.compile(r"\b(?:der|die|das|den|dem|des|ein|eine|einer|einen|einem|eines)\b"),
    "en": _ENGLISH_ARTICLES,
    "es": re.compile(r"\b(?:el|la|los|las|un|una|unos|unas)\b"),
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
}
_HAN = re.compile(r"([\u4e00-\u9fa5])")  # MLQA's range: rarer characters count as letters

Normalise = Callable[[str], str]


class AnswerScore(NamedTuple):
    """One question's scores, 0 to 100. MLQA's are None where the language is not known."""

    id: str
    squad_exact: float
    squad_f1: float
    mlqa_exact: float | None
    mlqa_f1: float | None


def score_answers(
    questions: Sequence[Question], predictions: Mapping[str, str], language: str
) -> list[AnswerScore]:
    """The scores of each question, in order.

    Args:
        questions: with their gold answers.
        predictions: an answer for each question's id, and for no other.
        language: of the passages, so of the answers; of `zh-Hans`, `zh` counts. Empty: not known.

    Raises:
        InputError: ids without an answer, or answers to unknown ids.
    """
    _check_ids(questions, predictions)
    language = language.partition("-")[0]
    mlqa = partial(normalise_mlqa, language=language) if language else None
    return [
        AnswerScore(
            question.id,
            *_both(question, predictions[question.id], normalise_squad),
            *(_both(question, predictions[question.id], mlqa) if mlqa else (None, None)),
        )
        for question in questions
    ]


def mean_scores(scores: Sequence[AnswerScore]) -> dict[str, float]:
    """The mean over questions by metric; those of MLQA are absent where there are none."""
    columns = {name: [getattr(score, name) for score in scores] for name in AnswerScore._fields[1:]}
    return {name: fmean(values) for name, values in columns.items() if None not in values}


def exact_match(prediction: str, golds: Sequence[str], normalise: Normalise) -> bool:
    """Whether the prediction equals one of the gold answers, all normalised."""
    return normalise(prediction) in map(normalise, golds)


def f1(prediction: str, golds: Sequence[str], normalise: Normalise) -> float:
    """The best F1, 0 to 1, of the bags of words of the prediction and a gold answer.

    0 where either has no words, even if they are equal: so do both official scripts.
    """
    return max(_word_f1(normalise(prediction), normalise(gold)) for gold in golds)


def normalise_squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces."""
    text = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", text).split())


def normalise_mlqa(text: str, language: str) -> str:
    """Lower case, no punctuation of any script, no articles of the language, single spaces.

    In Chinese every character is a word of its own; words of other scripts stay whole.
    Languages that MLQA does not have: see above.
    """
    text = "".join(letter for letter in text.lower() if not _is_punctuation(letter))
    if language in _ARTICLES:
        text = _ARTICLES[language].sub(" ", text)
    if language == "zh":
        text = _HAN.sub(r" \1 ", text)
    if language not in MLQA_LANGUAGES:
        text = " ".join(surfaces(text))
    return " ".join(text.split())


_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _is_punctuation(letter: str) -> bool:
    # string.punctuation has symbols too ($ + < = > ^ ` | ~), which Unicode has in category S.
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")


def _both(question: Question, prediction: str, normalise: Normalise) -> tuple[float, float]:
    golds = [answer.text for answer in question.answers]
    exact = exact_match(prediction, golds, normalise)
    return 100.0 * exact, 100.0 * f1(prediction, golds, normalise)


def _word_f1(prediction: str, gold: str) -> float:
    predicted, expected = prediction.split(), gold.split()
    common = (Counter(predicted) & Counter(expected)).total()
    if not common:
        return 0.0
    precision, recall = common / len(predicted), common / len(expected)
    return 2 * precision * recall / (precision + recall)


def _check_ids(questions: Sequence[Question], predictions: Mapping[str, str]) -> None:
    expected = {question.id for question in questions}
    missing = [question.id for question in questions if question.id not in predictions]
    unknown = [name for name in predictions if name not in expected]
    if missing or unknown or not questions:
        raise InputError(
            f"{len(predictions)} answers to {len(questions)} questions: questions without an "
            f"answer: {listed(missing)}; answers to unknown questions: {listed(unknown)}; "
            "expected one answer to each of at least one question"
        )
