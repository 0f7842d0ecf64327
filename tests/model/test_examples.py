"""Aligned pairs to examples."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.masking.examples import (
    DROP_REASONS,
    Vocabulary,
    admitted,
    make_examples,
    vocabulary,
)
from clism_ray.records import AlignedPair, Example, Origin, SpanPair
from tests.corpora import tiny_pair

LIMITS, MASKING = TokenizerConfig(), MaskingConfig()


@pytest.fixture(scope="module")
def words(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary(tokenizer)


def made(
    pair: AlignedPair,
    words: Vocabulary,
    limits: TokenizerConfig = LIMITS,
    masking: MaskingConfig = MASKING,
    seed: int = 13,
    epoch: int = 0,
) -> Example | str:
    (result,) = make_examples([pair], words, limits, masking, seed, epoch)
    return result


def example(pair: AlignedPair, words: Vocabulary, masking: MaskingConfig = MASKING) -> Example:
    result = made(pair, words, masking=masking)
    assert isinstance(result, Example), result
    return result


def a_pair(source: str, target: str, *spans: tuple[str, str]) -> AlignedPair:
    found = tuple(
        SpanPair(
            *(source.index(asked), source.index(asked) + len(asked)),
            *(target.index(answer), target.index(answer) + len(answer)),
            "name",
            1.0,
        )
        for asked, answer in spans
    )
    return AlignedPair(5, Origin("c", "f", 1), "en", "de", source, target, found)


PARIS = a_pair("They met in Paris.", "Sie trafen sich in Paris.", ("Paris", "Paris"))


def test_an_example_is_the_masked_source_the_target_and_the_plain_source(
    words: Vocabulary,
) -> None:
    result = example(PARIS, words, MaskingConfig(mlm_probability=0.0))
    tokenizer = words.tokenizer
    source, target = (
        tokenizer(text, add_special_tokens=False)["input_ids"]
        for text in (PARIS.source, PARIS.target)
    )
    begin, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert result.plain_ids == (begin, *source, end)
    (question,) = result.questions
    masked = result.joint_ids[slice(*result.masked_source)]
    assert result.joint_ids == (begin, *masked, end, *target, end)
    assert result.joint_ids[slice(*result.target)] == tuple(target)
    assert masked[question - 1] == words.question
    assert masked[: question - 1] == tuple(source[: question - 1])
    assert (result.language, result.row_id) == ("en-de", 5)


@settings(max_examples=30)
@given(st.integers(0, 400), st.integers(0, 2**40), st.integers(0, 9))
def test_every_answer_says_the_span_of_the_original_text(
    words: Vocabulary, row: int, seed: int, epoch: int
) -> None:
    pair = tiny_pair(row)
    result = made(pair, words, seed=seed, epoch=epoch)
    assert isinstance(result, Example)
    offsets = words.tokenizer(pair.target, add_special_tokens=False, return_offsets_mapping=True)[
        "offset_mapping"
    ]
    answers = {pair.target[span.target_start : span.target_end] for span in pair.spans}
    first_of_target = result.target[0]
    assert len(result.answers) == len(result.questions) == min(len(pair.spans), 4)
    for first, last in result.answers:
        start, end = offsets[first - first_of_target][0], offsets[last - first_of_target][1]
        assert pair.target[start:end].strip() in answers


@settings(max_examples=20)
@given(st.integers(0, 400))
def test_questions_special_tokens_answers_and_the_plain_source_are_never_corrupted(
    words: Vocabulary, row: int
) -> None:
    pair = tiny_pair(row)
    clean, noisy = (
        example(pair, words, MaskingConfig(mlm_probability=probability, max_spans=99))
        for probability in (0.0, 1.0)
    )
    answered = {p for first, last in clean.answers for p in range(first, last + 1)}
    ends = {0, clean.masked_source[1], clean.target[1]}
    untouched = answered | ends | set(clean.questions)
    assert set(noisy.mlm_positions) == set(range(len(clean.joint_ids))) - untouched
    assert noisy.mlm_labels == tuple(clean.joint_ids[p] for p in noisy.mlm_positions)
    assert all(noisy.joint_ids[p] == clean.joint_ids[p] for p in untouched)
    assert noisy.plain_ids == clean.plain_ids


def test_seed_epoch_and_row_decide_every_choice_and_nothing_else_does(words: Vocabulary) -> None:
    pair = tiny_pair(0)
    masking = MaskingConfig(max_spans=1, mlm_probability=0.3)
    first = made(pair, words, masking=masking)
    assert made(pair, words, masking=masking) == first
    among_others = make_examples([tiny_pair(1), pair], words, LIMITS, masking, 13, 0)
    assert among_others[1] == first
    others = [
        made(pair, words, masking=masking, seed=14),
        made(pair, words, masking=masking, epoch=1),
        made(replace(pair, row_id=1), words, masking=masking),
    ]
    drawn = {result.joint_ids for result in (first, *others) if isinstance(result, Example)}
    assert len(drawn) == 4


def test_of_many_spans_so_many_are_asked_about_as_the_settings_allow(words: Vocabulary) -> None:
    pair = tiny_pair(0)
    assert len(pair.spans) > 1
    assert len(example(pair, words, MaskingConfig(max_spans=1)).questions) == 1


SILENT = MaskingConfig(questions=False, mlm_probability=0.0)


@settings(max_examples=20)
@given(st.integers(0, 400))
def test_where_nothing_is_asked_the_whole_pair_stands_there_and_any_token_may_be_masked(
    words: Vocabulary, row: int
) -> None:
    asked, clean = (example(tiny_pair(row), words, masking) for masking in (MASKING, SILENT))
    assert clean.questions == clean.answers == ()
    source, target = clean.plain_ids[1:-1], clean.joint_ids[slice(*clean.target)]
    assert clean.joint_ids == (words.begin, *source, words.end, *target, words.end)
    assert clean.joint_ids[slice(*clean.masked_source)] == source
    assert len(target) == asked.target[1] - asked.target[0]
    noisy = example(tiny_pair(row), words, replace(SILENT, mlm_probability=1.0))
    ordinary = {*range(*clean.masked_source), *range(*clean.target)}
    assert set(noisy.mlm_positions) == ordinary
    assert noisy.mlm_labels == tuple(clean.joint_ids[p] for p in noisy.mlm_positions)


def test_where_nothing_is_asked_the_same_pairs_are_dropped_and_the_rest_fits(
    words: Vocabulary,
) -> None:
    tight = replace(LIMITS, max_source_tokens=30, max_target_tokens=45)
    pairs = [tiny_pair(row) for row in range(60)]
    pairs += [replace(PARIS, source="[QUE]"), replace(PARIS, spans=())]
    asked, silent = (
        make_examples(pairs, words, tight, masking, 13, 0) for masking in (MASKING, SILENT)
    )
    told = [[r if isinstance(r, str) else r.row_id for r in results] for results in (asked, silent)]
    assert told[0] == told[1]
    lengths = [len(result.joint_ids) for result in silent if isinstance(result, Example)]
    assert 0 < max(lengths) <= 30 + 45


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_pair_too_long_is_dropped_and_one_that_just_fits_is_whole(
    words: Vocabulary, side: str
) -> None:
    plain = example(PARIS, words, MaskingConfig(mlm_probability=0.0))
    tokens = {
        "source": len(plain.plain_ids),
        "target": plain.target[1] - plain.target[0] + 1,  # with its [SEP]
    }
    fits = replace(LIMITS, **{f"max_{side}_tokens": tokens[side]})
    assert isinstance(made(PARIS, words, fits), Example)
    tight = replace(LIMITS, **{f"max_{side}_tokens": tokens[side] - 1})
    assert made(PARIS, words, tight) == f"{side}_too_many_tokens"


@pytest.mark.parametrize("token", ["[QUE]", "</s>", "<mask>", "<pad>"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_special_token_written_in_a_text_drops_the_pair(
    words: Vocabulary, side: str, token: str
) -> None:
    pair = replace(PARIS, **{side: f"{getattr(PARIS, side)} {token}"})
    assert made(pair, words) == "special_token_in_text"


def test_a_character_no_token_knows_drops_nothing(words: Vocabulary) -> None:
    pair = replace(PARIS, source=PARIS.source + " 𓀀")
    result = example(pair, words)
    assert words.tokenizer.unk_token_id in result.plain_ids


def test_a_pair_without_a_span_to_ask_about_is_dropped_with_the_reason(words: Vocabulary) -> None:
    inside = replace(PARIS, spans=(SpanPair(12, 17, 1, 2, "name", 1.0),))
    assert made(inside, words) == "no_span_on_token_boundaries"
    weak = replace(PARIS, spans=(PARIS.spans[0]._replace(score=0.2, confidence=0.3),))
    for masking, reason in (
        (MaskingConfig(min_score=0.5), "no_span_above_min_score"),
        (MaskingConfig(min_confidence=0.5), "no_span_above_min_confidence"),
        (MaskingConfig(labels=("number", "place")), "no_span_of_these_labels"),
        (MaskingConfig(min_score=0.5, min_confidence=0.5), "no_span_above_min_confidence"),
        (MaskingConfig(labels=("name",), min_score=0.5), "no_span_above_min_score"),
    ):
        assert made(weak, words, masking=masking) == reason


def test_only_spans_that_meet_every_demand_are_asked_about() -> None:
    spans = [
        SpanPair(0, 1, 0, 1, "name", 0.9, 0.9),
        SpanPair(2, 3, 2, 3, "name", 0.9, 0.4),
        SpanPair(4, 5, 4, 5, "name", 0.4, 0.9),
        SpanPair(6, 7, 6, 7, "number", 0.9, 0.9),
    ]
    demands = {
        (0,): MaskingConfig(labels=("name", "place"), min_confidence=0.5, min_score=0.5),
        (0, 3): MaskingConfig(min_confidence=0.5, min_score=0.5),
        (0, 2, 3): MaskingConfig(min_confidence=0.5),
        (3,): MaskingConfig(labels=("number",)),
        (0, 1, 2, 3): MaskingConfig(),
    }
    for kept, masking in demands.items():
        assert admitted(spans, masking) == [spans[n] for n in kept]


def test_a_score_equal_to_the_least_one_is_enough_however_it_was_stored(words: Vocabulary) -> None:
    masking = MaskingConfig(min_score=0.7, min_confidence=0.7)
    for share in (0.7, float(np.float32(0.7))):
        pair = replace(PARIS, spans=(PARIS.spans[0]._replace(score=share, confidence=share),))
        assert isinstance(made(pair, words, masking=masking), Example)


def test_every_reason_is_declared(words: Vocabulary) -> None:
    tight = replace(LIMITS, max_source_tokens=30, max_target_tokens=45)
    pairs = [tiny_pair(row) for row in range(60)]
    pairs += [replace(PARIS, source="[QUE]"), replace(PARIS, spans=())]
    results = make_examples(pairs, words, tight, MASKING, 13, 0)
    reasons = {result for result in results if isinstance(result, str)}
    assert len(results) == len(pairs)
    assert len(reasons) >= 3
    assert reasons <= set(DROP_REASONS)


def test_equal_texts_have_equal_keys_and_others_have_not(words: Vocabulary) -> None:
    one, same_source, other = (
        example(pair, words)
        for pair in (
            PARIS,
            a_pair(PARIS.source, "Paris war der Ort.", ("Paris", "Paris")),
            a_pair("Paris was the place.", "Paris war der Ort.", ("Paris", "Paris")),
        )
    )
    assert one.source_key == same_source.source_key != other.source_key
    assert one.target_key != same_source.target_key == other.target_key


def test_random_replacements_are_ordinary_tokens(words: Vocabulary) -> None:
    special = {words.tokenizer.convert_tokens_to_ids(t) for t in ("<s>", "<unk>", "[QUE]")}
    assert special.isdisjoint(words.ordinary.tolist())
    assert len(words.ordinary) == len(words.tokenizer) - 6
    assert words.ordinary.dtype == np.int64
