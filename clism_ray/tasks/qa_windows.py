"""Questions to windows of tokens: [CLS] question [QUE] [SEP] passage [SEP] (paper, eq. 10).

A passage that does not fit is read through windows that begin `stride` tokens apart. Tokens keep
their characters, so an answer is found by its place and cut out of the passage, never detokenised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from transformers import BatchEncoding

from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary
from clism_ray.tasks.qa_questions import Question

_CHUNK = 1000  # texts that are tokenised in one call
_SPECIAL = 4  # tokens at most: [CLS], [QUE] or a second [SEP], [SEP] and, at the end, [SEP]

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How long a window may be, how windows follow each other, how long an answer is, in tokens.

    Raises:
        InputError: beside the longest question less of the passage fits than a stride, so that
            windows would leave tokens out.
    """

    max_tokens: int = 384
    stride: int = 128  # from the start of one window to the start of the next
    max_question_tokens: int = 64  # of a longer question, the rest is cut off
    with_question_token: bool = True  # False: no [QUE], as encoders without a span head need it
    max_answer_tokens: int = 30

    def __post_init__(self) -> None:
        room = self.max_tokens - self.max_question_tokens - _SPECIAL
        if self.max_question_tokens < 1 or not 1 <= self.stride <= room:
            raise InputError(
                f"windows of max_tokens {self.max_tokens} have {room} tokens of the passage beside "
                f"a question of max_question_tokens {self.max_question_tokens} and the special "
                f"tokens; that must be at least the stride, {self.stride}, and all of them at "
                "least 1: raise max_tokens or lower the others"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A question with as much of its passage as fits: L tokens, P of them of the passage."""

    question: int  # which of the questions
    ids_L: Ints
    passage: int  # position of the passage's first token; after its last comes one [SEP]
    characters_P2: Ints  # of each token of the passage, where it starts and ends in the text
    asking: int  # position of [QUE], or of [CLS] without it
    answer: tuple[int, int] | None  # positions of the answer's first and last token, if in here


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """What making windows did to the questions and their answers."""

    questions_cut: int = 0  # longer than max_question_tokens
    answers_widened: int = 0  # began or ended inside a token
    answers_lost: int = 0  # no place in the passage, no token there, or no window holds it whole
    windows_without_answer: int = 0


def windows_to_answer(
    questions: Sequence[Question], words: Vocabulary, limits: WindowLimits
) -> tuple[list[Window], WindowCounts]:
    """All windows of all questions, in order; every token of a passage is in one of them.

    Raises:
        InputError: a passage of which the tokenizer makes no tokens.
    """
    windows: list[Window] = []
    cut = 0
    for index, asked, passage in _tokenised(questions, words):
        cut += len(asked) > limits.max_question_tokens
        windows += _slide(index, asked, passage, None, words, limits)
    return windows, WindowCounts(questions_cut=cut)


def windows_to_train(
    questions: Sequence[Question], words: Vocabulary, limits: WindowLimits
) -> tuple[list[Window], WindowCounts]:
    """The windows that hold a whole answer, the first of the question's that has a place.

    SQuAD v1.1 asks nothing without an answer, so a window that does not hold it has nothing to
    teach: pointing at [CLS] there, as for SQuAD v2.0, would be trained and never asked for.

    Raises:
        InputError: a passage of which the tokenizer makes no tokens.
    """
    windows: list[Window] = []
    cut = widened = lost = empty = 0
    for index, asked, passage in _tokenised(questions, words):
        cut += len(asked) > limits.max_question_tokens
        place = _gold(questions[index], passage)
        answer = (place.first, place.last) if place else None
        made = list(_slide(index, asked, passage, answer, words, limits))
        holding = [window for window in made if window.answer is not None]
        windows += holding
        widened += bool(place and holding and not place.exact)
        lost += not holding
        empty += len(made) - len(holding)
    return windows, WindowCounts(cut, widened, lost, empty)


class Place(NamedTuple):
    """An answer in tokens of the passage."""

    first: int
    last: int
    exact: bool  # the tokens hold the answer's characters and no others, white space aside


def locate_answer(context: str, characters_P2: Ints, start: int, end: int) -> Place | None:
    """The tokens that hold the characters `[start, end)` of a passage, and at the rims maybe more.

    None if the tokenizer made no token of them.
    """
    answer = context[start:end].strip()
    start = context.index(answer, start)
    inside = np.flatnonzero(
        (characters_P2[:, 0] < start + len(answer)) & (characters_P2[:, 1] > start)
    )
    if not len(inside):
        return None
    first, last = int(inside[0]), int(inside[-1])
    held = context[characters_P2[first, 0] : characters_P2[last, 1]]
    return Place(first, last, held.strip() == answer)


class _Passage(NamedTuple):
    ids_P: Ints
    characters_P2: Ints


def _gold(question: Question, passage: _Passage) -> Place | None:
    """The first of the gold answers that can be pointed at."""
    for text, start in question.answers:
        if start is not None:
            end = start + len(text)
            place = locate_answer(question.context, passage.characters_P2, start, end)
            if place:
                return place
    return None


def _slide(
    question: int,
    asked: list[int],
    passage: _Passage,
    answer: tuple[int, int] | None,
    words: Vocabulary,
    limits: WindowLimits,
) -> Iterator[Window]:
    """The windows of one question, from the passage's first token until one holds its last."""
    head = [words.begin, *asked[: limits.max_question_tokens]]
    if limits.with_question_token:
        head.append(words.question)
    asking = len(head) - 1 if limits.with_question_token else 0
    head += [words.end] * _separators(words, limits)
    room = limits.max_tokens - len(head) - 1
    length = len(passage.ids_P)
    for start in range(0, max(length - room, 0) + limits.stride, limits.stride):
        stop = min(start + room, length)
        held = answer if answer and start <= answer[0] and answer[1] < stop else None
        shift = len(head) - start
        yield Window(
            question=question,
            ids_L=np.concatenate([head, passage.ids_P[start:stop], [words.end]]).astype(np.int32),
            passage=len(head),
            characters_P2=passage.characters_P2[start:stop],
            asking=asking,
            answer=(held[0] + shift, held[1] + shift) if held else None,
        )


def _separators(words: Vocabulary, limits: WindowLimits) -> int:
    """How many [SEP] stand between question and passage: one, or as the tokenizer joins two texts.

    Baselines get what they were pre-trained with and what transformers' pipelines give them: for
    RoBERTa's family that is two.
    """
    if limits.with_question_token:
        return 1
    return max(1, words.tokenizer.num_special_tokens_to_add(pair=True) - 2)


def _tokenised(
    questions: Sequence[Question], words: Vocabulary
) -> Iterator[tuple[int, list[int], _Passage]]:
    """Each question's number, its tokens and its passage; one that many ask is tokenised once."""
    for first in range(0, len(questions), _CHUNK):
        chunk = questions[first : first + _CHUNK]
        asked = _encode([question.question for question in chunk], words)["input_ids"]
        contexts = list(dict.fromkeys(question.context for question in chunk))
        encoded = _encode(contexts, words)
        passages = {
            context: _Passage(np.array(ids, np.int32), np.array(offsets, np.int32))
            for context, ids, offsets in zip(
                contexts, encoded["input_ids"], encoded["offset_mapping"], strict=True
            )
        }
        for index, (question, ids) in enumerate(zip(chunk, asked, strict=True), first):
            passage = passages[question.context]
            if not len(passage.ids_P):
                raise InputError(
                    f"question {question.id!r}: the tokenizer makes no tokens of its passage "
                    f"{question.context[:40]!r}; is it the one for this language?"
                )
            yield index, ids, passage


def _encode(texts: list[str], words: Vocabulary) -> BatchEncoding:
    encoded: BatchEncoding = words.tokenizer(
        texts,
        add_special_tokens=False,
        split_special_tokens=True,  # "[QUE]" or "</s>" in a text is text
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # that a passage is longer than a window is what windows are for
    )
    return encoded
