"""Questions to windows: nothing of a passage is left out, and answers keep their place."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.tasks.qa_questions import Answer, Question
from clism_ray.tasks.qa_windows import (
    Window,
    WindowCounts,
    WindowLimits,
    locate_answer,
    windows_to_answer,
    windows_to_train,
)

LIMITS = WindowLimits(max_tokens=24, stride=5, max_question_tokens=9)
PASSAGES = st.text(
    st.sampled_from("ab the Köln 中文字 नई . ,!½ \n\u00a0…"), min_size=1, max_size=80
).filter(str.strip)


@pytest.fixture(scope="module")
def words(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary(tokenizer)


def ask(context: str, answer: str = "", start: int | None = 0, question: str = "who ?") -> Question:
    return Question("q", question, context, (Answer(answer or context, start),))


def plain_ids(words: Vocabulary, text: str) -> list[int]:
    return words.tokenizer(text, add_special_tokens=False)["input_ids"]


def test_a_short_passage_is_laid_out_as_equation_10(words: Vocabulary) -> None:
    question = ask("one two", question="who ?")
    (window,), counts = windows_to_answer([question], words, LIMITS)
    asked, passage = plain_ids(words, "who ?"), plain_ids(words, "one two")
    assert window.ids_L.tolist() == [
        words.begin, *asked, words.question, words.end, *passage, words.end
    ]  # fmt: skip
    assert window.ids_L[window.asking] == words.question
    assert window.passage == len(asked) + 3
    assert counts == WindowCounts()


def test_a_baseline_s_question_and_passage_are_joined_as_its_tokenizer_joins_two_texts(
    words: Vocabulary,
) -> None:
    begin, end = words.tokenizer.convert_ids_to_tokens([words.begin, words.end])
    robertas = copy.deepcopy(words.tokenizer)
    robertas.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, words.begin), (end, words.end)],
    )
    question, plain = ask("one two", "two", 4), replace(LIMITS, with_question_token=False)
    for tokenizer in (words.tokenizer, robertas):
        (window,), _ = windows_to_train([question], vocabulary(tokenizer), plain)
        assert window.ids_L.tolist() == tokenizer("who ?", "one two")["input_ids"]
        assert window.answer is not None
        two = plain_ids(words, "one two")[-1]
        assert window.ids_L[window.answer[1]] == two
        (ours,), _ = windows_to_train([question], vocabulary(tokenizer), LIMITS)
        assert ours.ids_L.tolist().count(words.end) == 2


def test_without_question_token_the_first_token_asks(words: Vocabulary) -> None:
    limits = replace(LIMITS, with_question_token=False)
    (window,), _ = windows_to_answer([ask("one")], words, limits)
    assert words.question not in window.ids_L
    assert window.asking == 0
    assert window.passage == len(plain_ids(words, "who ?")) + 2


@settings(max_examples=40)
@given(context=PASSAGES)
def test_every_token_of_a_passage_is_in_a_window(words: Vocabulary, context: str) -> None:
    windows, _ = windows_to_answer([ask(context)], words, LIMITS)
    ids = plain_ids(words, context)
    seen: dict[int, int] = {}
    for number, window in enumerate(windows):
        assert len(window.ids_L) <= LIMITS.max_tokens
        inside = window.ids_L[window.passage : -1].tolist()
        assert len(inside) == len(window.characters_P2)
        seen.update(enumerate(inside, number * LIMITS.stride))
    assert [seen[place] for place in range(len(ids))] == ids
    assert len(seen) == len(ids)
    # and none is superfluous: without the last window its last token would be missing
    room = LIMITS.max_tokens - windows[0].passage - 1
    assert (len(windows) - 2) * LIMITS.stride + room < len(ids) or len(windows) == 1


@settings(max_examples=40)
@given(context=PASSAGES, data=st.data())
def test_the_tokens_of_an_answer_hold_all_its_characters(
    words: Vocabulary, context: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(context) - 1))
    end = data.draw(st.integers(start + 1, len(context)))
    answer = context[start:end].strip()
    if not answer:
        return
    windows, counts = windows_to_train([ask(context, context[start:end], start)], words, LIMITS)
    assert counts.answers_lost == (not windows)
    every, _ = windows_to_answer([ask(context)], words, LIMITS)
    assert len(windows) + counts.windows_without_answer == len(every)
    for window in windows:
        held = held_by(window, context)
        assert answer in held
        assert counts.answers_widened == (held.strip() != answer)


def held_by(window: Window, context: str) -> str:
    """The characters under a window's answer."""
    assert window.answer is not None
    first, last = (place - window.passage for place in window.answer)
    return context[window.characters_P2[first, 0] : window.characters_P2[last, 1]]


def test_an_answer_inside_a_token_is_widened_and_counted(
    words: Vocabulary, synthetic_texts: list[str]
) -> None:
    context = synthetic_texts[0]
    (window,), _ = windows_to_answer([ask(context)], words, replace(LIMITS, max_tokens=200))
    starts, ends = window.characters_P2.T.tolist()
    token = next(n for n, end in enumerate(ends) if len(context[starts[n] : end].strip()) > 1)
    answer = Answer(context[ends[token] - 1], ends[token] - 1)
    question = Question("q", "who ?", context, (answer,))
    (window, *_), counts = windows_to_train([question], words, LIMITS)
    assert held_by(window, context) == context[starts[token] : ends[token]]
    assert counts.answers_widened == 1


def test_white_space_at_the_rims_of_an_answer_or_a_token_widens_nothing() -> None:
    characters = np.array([[0, 3], [3, 7]], np.int32)  # "one", " two"
    assert locate_answer("one two", characters, 4, 7) == (1, 1, True)
    assert locate_answer("one two", characters, 3, 7) == (1, 1, True)


def test_an_answer_of_which_the_tokenizer_makes_nothing_has_no_tokens() -> None:
    assert locate_answer("a\u200bb", np.array([[0, 1], [2, 3]], np.int32), 1, 2) is None


def test_windows_without_the_whole_answer_are_not_trained_on(words: Vocabulary) -> None:
    context = "1 " * 40 + "x"
    windows, counts = windows_to_train([ask(context, "x", 80)], words, LIMITS)
    every, _ = windows_to_answer([ask(context)], words, LIMITS)
    assert len(windows) == 1
    assert counts == WindowCounts(windows_without_answer=len(every) - 1)


def test_an_answer_longer_than_every_window_is_counted_as_lost(words: Vocabulary) -> None:
    windows, counts = windows_to_train([ask("1 " * 40)], words, LIMITS)
    assert windows == []
    assert counts.answers_lost == 1


def test_an_answer_without_a_place_gives_way_to_the_next_one(words: Vocabulary) -> None:
    question = Question("q", "who ?", "one two", (Answer("two", None), Answer("one", 0)))
    (window,), counts = windows_to_train([question], words, LIMITS)
    assert held_by(window, "one two").strip() == "one"
    assert counts.answers_lost == 0
    assert windows_to_train([ask("one", "two", None)], words, LIMITS)[1].answers_lost == 1


def test_a_long_question_is_cut_and_counted(words: Vocabulary) -> None:
    question = ask("one two", question="1 2 3 4 5 6 7 8")
    (window,), counts = windows_to_answer([question], words, LIMITS)
    assert window.passage == 1 + LIMITS.max_question_tokens + 2
    assert counts.questions_cut == 1
    assert windows_to_train([question], words, LIMITS)[1].questions_cut == 1


def test_special_tokens_in_a_text_are_text(words: Vocabulary) -> None:
    question = ask("a [QUE] </s> b", question="<s> [QUE]")
    for window in windows_to_answer([question], words, LIMITS)[0]:
        assert np.isin(window.ids_L, [words.begin, words.end, words.question]).sum() == 4


def test_questions_of_one_passage_share_it_and_keep_their_order(words: Vocabulary) -> None:
    questions = [ask("one"), ask("two"), ask("one", question="what ?")]
    windows, _ = windows_to_answer(questions, words, LIMITS)
    assert [window.question for window in windows] == [0, 1, 2]
    assert np.shares_memory(windows[0].characters_P2, windows[2].characters_P2)


@pytest.mark.parametrize(
    ("tokens", "stride", "question"), [(20, 8, 9), (13, 1, 9), (24, 0, 9), (24, 5, 0)]
)
def test_windows_that_would_leave_tokens_out_are_refused(
    tokens: int, stride: int, question: int
) -> None:
    with pytest.raises(InputError, match="at least the stride"):
        WindowLimits(tokens, stride, question)


def test_a_passage_without_tokens_is_refused_with_its_question(words: Vocabulary) -> None:
    with pytest.raises(InputError, match="question 'q': the tokenizer makes no tokens"):
        windows_to_answer([ask("")], words, LIMITS)
