"""Informative n-grams."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_corpus import NgramConfig
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.rare_ngrams import ngrams_in, rarity
from clism_ray.corpus.words import is_punctuation, words

FREQUENCY = {"the": 60_000, "of": 30_000, "cat": 40, "sat": 100, "mat": 1, "old": 900}
TOTAL = 1_000_000


def found(text: str, config: NgramConfig, stop_words: tuple[str, ...] = ()) -> list[Span]:
    return ngrams_in(text, words(text), FREQUENCY, TOTAL, stop_words, config)


def test_rarity_goes_from_words_that_are_everywhere_to_words_seen_once_or_never() -> None:
    assert rarity("x", {"x": 500}, 500) == 0
    assert rarity("Mat", FREQUENCY, TOTAL) == rarity("unseen", FREQUENCY, TOTAL) == 1
    assert rarity("x", {"x": 1000}, TOTAL) == pytest.approx(0.5)
    rarities = [rarity(word, FREQUENCY, TOTAL) for word in ("the", "of", "old", "sat", "cat")]
    assert rarities == sorted(rarities)
    assert rarity("x", {}, 0) == 1


def test_n_grams_begin_and_end_with_a_rare_word_and_hold_no_punctuation() -> None:
    config = NgramConfig(max_words=3, per_sentence=1)
    places = set()
    for number in range(300):
        text = f"the cat of the mat, old {number}"
        (span,) = found(text, config)
        places.add((span.first, span.end))
    assert places == {(1, 2), (4, 5), (6, 7), (6, 8), (7, 8)}  # "cat of the mat" has four words
    assert (1, 5) in {
        (span.first, span.end)
        for n in range(100)
        for span in found(f"the cat of the mat, {n}", NgramConfig(max_words=4))
    }


@pytest.mark.parametrize(
    "text", ["we didn't zig", "a rock-solid zig", "the ’tis- zig", "O’Brien zig '"]
)
def test_n_grams_begin_and_end_inside_no_word(text: str) -> None:
    spans = found(text, NgramConfig(max_words=1, per_sentence=9))
    said = {text[slice(*words(text)[span.first])] for span in spans}
    assert "zig" in said
    assert said.isdisjoint({"didn", "t", "rock", "solid", "O", "Brien"})


def test_stop_words_stand_at_no_rim() -> None:
    config = NgramConfig(max_words=2, per_sentence=5)
    spans = found("whereupon cat", config, stop_words=("whereupon",))
    assert [(span.first, span.end) for span in spans] == [(1, 2)]


def test_confidence_is_the_mean_rarity_of_the_words() -> None:
    (span,) = found("mat of cat", NgramConfig(per_sentence=1, min_rarity=0.6), ("mat",))
    assert span == Span(2, 3, "ngram", round(rarity("cat", FREQUENCY, TOTAL), 4))
    wholes = (
        span
        for n in range(50)
        for span in found(f"mat of cat, the {n}", NgramConfig(per_sentence=1))
        if (span.first, span.end) == (0, 3)
    )
    mean = sum(rarity(word, FREQUENCY, TOTAL) for word in ("mat", "of", "cat")) / 3
    assert next(wholes).confidence == round(mean, 4)


def test_every_n_gram_is_as_likely_as_any_other() -> None:
    chosen = Counter(
        (span.first, span.end)
        for n in range(3000)
        for span in found(f"cat sat mat. the {n}", NgramConfig(per_sentence=1))
        if span.end <= 3
    )
    assert len(chosen) == 6
    assert min(chosen.values()) > 0.8 * max(chosen.values())


def test_a_character_of_a_script_without_spaces_is_part_of_a_word() -> None:
    lengths = {
        span.end - span.first
        for n in range(200)
        for span in found(f"中国国际经济 {n}", NgramConfig(max_words=2, per_sentence=1))
        if span.end <= 6
    }
    assert lengths == {1, 2, 3, 4}


texts = st.lists(st.sampled_from(["the", "of", "cat", "sat", "mat", ",", "zig", "7"]), max_size=15)


@given(texts, st.integers(1, 4), st.integers(1, 4))
def test_n_grams_are_few_short_disjoint_and_the_same_every_time(
    tokens: list[str], longest: int, most: int
) -> None:
    text, config = " ".join(tokens), NgramConfig(max_words=longest, per_sentence=most)
    spans = found(text, config)
    assert spans == found(text, config)
    assert len(spans) <= most
    places = [place for span in spans for place in range(span.first, span.end)]
    assert places == sorted(set(places))
    for span in spans:
        assert 1 <= span.end - span.first <= longest
        assert 0 <= span.confidence <= 1
        assert not any(is_punctuation(token) for token in tokens[span.first : span.end])
        rims = tokens[span.first], tokens[span.end - 1]
        assert all(rarity(word, FREQUENCY, TOTAL) >= config.min_rarity for word in rims)
    assert spans or all(token in ("the", "of", ",") for token in tokens)
