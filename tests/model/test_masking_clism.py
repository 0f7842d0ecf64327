"""Spans to tokens, and `[QUE]` in their place, for tokenizers of every make."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from clism_ray.masking.clism import (
    Question,
    Tokens,
    choose,
    find_questions,
    locate,
    replace_spans,
)
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.records import SpanPair

# text, and a span that stands in it
SPANS = [
    ("The European Central Bank met in Frankfurt.", "European Central Bank"),
    ("The European Central Bank met in Frankfurt.", "Frankfurt"),
    ("Ölpreis: Müller und Ångström, 1.000,5 €", "1.000,5"),
    ("Ölpreis: Müller und Ångström, 1.000,5 €", "Ångström"),
    ("नई दिल्ली में बैठक हुई।", "नई दिल्ली"),
    ("اجتمعوا في القاهرة أمس.", "القاهرة"),
    ("他们昨天在北京大学开会。", "北京大学"),
    ("Встреча прошла в Нижнем Новгороде.", "Нижнем Новгороде"),
]


def bert_uncased(texts: list[str]) -> PreTrainedTokenizerFast:
    """WordPiece that lower-cases and strips accents."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")


def byte_level(texts: list[str]) -> PreTrainedTokenizerFast:
    """RoBERTa's: tokens are bytes, so one character may be several tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def unigram(texts: list[str]) -> PreTrainedTokenizerFast:
    """XLM-R's: SentencePiece with a visible space."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=700, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def trained_here(texts: list[str]) -> PreTrainedTokenizerFast:
    return train_tokenizer(texts, 400)


@pytest.fixture(scope="module", params=[trained_here, bert_uncased, byte_level, unigram])
def any_tokenizer(
    request: pytest.FixtureRequest, synthetic_texts: list[str]
) -> PreTrainedTokenizerFast:
    make: Callable[[list[str]], PreTrainedTokenizerFast] = request.param
    return make([*synthetic_texts[:200], *(text for text, _ in SPANS)])


def tokenise(tokenizer: PreTrainedTokenizerFast, text: str) -> Tokens:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return Tokens(encoded["input_ids"], encoded["offset_mapping"])


def text_of(text: str, tokens: Tokens, place: tuple[int, int]) -> str:
    """The characters that some tokens stand for."""
    first, stop = place
    return text[tokens.offsets[first][0] : tokens.offsets[stop - 1][1]].strip()


def span_pair(source: tuple[int, int], target: tuple[int, int]) -> SpanPair:
    return SpanPair(*source, *target, "name", 1.0)


@pytest.mark.parametrize(("text", "span"), SPANS)
def test_the_tokens_of_a_span_say_exactly_the_span(
    any_tokenizer: PreTrainedTokenizerFast, text: str, span: str
) -> None:
    tokens = tokenise(any_tokenizer, text)
    start = text.index(span)
    place = locate(text, tokens, start, start + len(span))
    if place is None:  # only a tokenizer that merges across words of an unspaced script may
        assert any_tokenizer.backend_tokenizer.model.__class__.__name__ == "Unigram"
        assert span == "北京大学"
    else:
        assert text_of(text, tokens, place) == span


@settings(max_examples=40)
@given(st.data())
def test_whatever_the_span_its_tokens_say_it_or_it_is_left_out(
    any_tokenizer: PreTrainedTokenizerFast, data: st.DataObject
) -> None:
    words = [word for text, _ in SPANS for word in text.split()] + ["ﬁn", "½", "e\u0301", "𝒜"]
    text = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=6).map(" ".join))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if not text[start:end].strip():
        return
    tokens = tokenise(any_tokenizer, text)
    place = locate(text, tokens, start, end)
    if place is not None:
        assert text_of(text, tokens, place) == text[start:end].strip()
        outside = tokens.offsets[: place[0]] + tokens.offsets[place[1] :]
        assert not any(begin < end and stop > start for begin, stop in outside)


WORDS = Tokens([11, 12, 13, 14], [(0, 3), (3, 9), (10, 15), (15, 16)])  # "Newcastle|_beats|!"


@pytest.mark.parametrize(
    ("span", "place"),
    [((0, 9), (0, 2)), ((0, 3), (0, 1)), ((10, 15), (2, 3)), ((0, 16), (0, 4))],
)
def test_a_span_on_token_boundaries_is_found(span: tuple[int, int], place: tuple[int, int]) -> None:
    assert locate("Newcastle beats!", WORDS, *span) == place


@pytest.mark.parametrize("span", [(1, 9), (0, 8), (4, 6), (0, 2), (9, 10)])
def test_a_span_that_begins_or_ends_inside_a_token_is_left_out(span: tuple[int, int]) -> None:
    assert locate("Newcastle beats!", WORDS, *span) is None


def test_the_space_that_a_token_carries_belongs_to_no_span() -> None:
    tokens = Tokens([1, 2, 3], [(0, 3), (3, 8), (8, 9)])
    assert locate("New York.", tokens, 4, 8) == (1, 2)


def test_questions_need_token_boundaries_on_both_sides_and_keep_their_order() -> None:
    text = "Newcastle beats!"
    good, bad = (0, 9), (0, 8)
    spans = [span_pair(good, (10, 15)), span_pair(bad, good), span_pair((10, 15), bad)]
    spans.append(span_pair((15, 16), (15, 16)))
    questions = find_questions(text, WORDS, text, WORDS, spans)
    assert questions == [Question((0, 2), (2, 2)), Question((3, 4), (3, 3))]


@st.composite
def masked_sentences(draw: st.DrawFn) -> tuple[list[int], list[Question]]:
    """Token ids and disjoint ranges of them, in order."""
    ids = draw(st.lists(st.integers(5, 99), max_size=20))
    cuts = sorted(draw(st.sets(st.integers(0, len(ids)), max_size=8)))
    ranges = list(zip(cuts[::2], cuts[1::2], strict=False))
    return ids, [Question(place, (0, 0)) for place in ranges]


@given(masked_sentences())
def test_outside_the_spans_the_masked_source_is_token_for_token_the_plain_one(
    sentence: tuple[list[int], list[Question]],
) -> None:
    ids, questions = sentence
    masked, positions = replace_spans(ids, questions, 0)
    assert [masked[position] for position in positions] == [0] * len(questions)
    spans = iter(questions)
    restored = []
    for token in masked:
        restored += ids[slice(*next(spans).source)] if token == 0 else [token]
    assert restored == ids


def test_few_questions_are_all_kept_whatever_the_generator() -> None:
    questions = [Question((n, n + 1), (n, n)) for n in range(3)]
    assert choose(questions, 3, np.random.default_rng(0)) == questions


def test_of_many_questions_every_subset_is_as_likely_and_keeps_its_order() -> None:
    questions = [Question((n, n + 1), (n, n)) for n in range(4)]
    random, draws = np.random.default_rng(0), 3000
    seen = Counter(
        tuple(question.source[0] for question in choose(questions, 2, random)) for _ in range(draws)
    )
    assert set(seen) == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    deviation = (draws * (1 / 6) * (5 / 6)) ** 0.5
    assert all(abs(count - draws / 6) < 5 * deviation for count in seen.values())
