"""What is known of words, looked up by number."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus import vocabulary
from clism_ray.corpus.features import Features
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.vocabulary import Vocabulary
from clism_ray.corpus.words import is_punctuation, is_unspaced, surfaces

FUNCTION_WORDS = (("the", "of"), ("der", "of"))
LEXICON = Lexicon({"house": {"haus": 0.5, "hütte": 0.25}, "the": {"der": 0.75}})


@given(st.lists(st.text().map(surfaces)))
def test_each_word_is_what_it_is_alone(batches: list[list[str]]) -> None:
    """Whatever was looked up before."""
    known = Vocabulary(FUNCTION_WORDS, LEXICON)
    for words in batches:
        of_source, of_target = known.features(words, words[::-1])
        expected: dict[str, Callable[[str], bool]] = {
            "is_sign_W": is_punctuation,
            "is_unspaced_W": is_unspaced,
            "is_capital_W": lambda word: word[0].isupper(),
            "is_alphabetic_W": lambda word: word[0].isalpha(),
        }
        for name, is_so in expected.items():
            assert getattr(of_source, name).tolist() == [is_so(word) for word in words]
            assert getattr(of_target, name).tolist() == [is_so(word) for word in words[::-1]]
        for n, word in enumerate(words):
            same = (of_target.number_W == of_source.number_W[n]).tolist()
            assert same == [other == word for other in words[::-1]]


def test_each_side_has_its_own_function_words_and_entries() -> None:
    words = ["The", "Haus", "house", "der", "of"]
    of_source, of_target = Vocabulary(FUNCTION_WORDS, LEXICON).features(words, words)
    assert of_source.is_function_W.tolist() == [True, False, False, False, True]
    assert of_target.is_function_W.tolist() == [False, False, False, True, True]
    assert (of_source.entry_W >= 0).tolist() == [True, False, True, False, False]
    assert (of_target.entry_W >= 0).tolist() == [False, True, False, True, False]
    pairs = [(2, 1), (0, 3), (2, 3), (1, 1), (4, 4)]
    source, target = zip(*pairs, strict=True)
    trust = LEXICON.trust(of_source.entry_W[list(source)], of_target.entry_W[list(target)])
    assert trust.tolist() == [0.5, 0.75, 0, 0, 0]


def test_without_a_lexicon_every_word_is_known() -> None:
    of_source, of_target = Vocabulary().features(["Zork"], ["Florp"])
    assert of_source.entry_W.tolist() == of_target.entry_W.tolist() == [0]
    assert Lexicon({}).trust(of_source.entry_W, of_target.entry_W).tolist() == [0]


def test_what_was_looked_up_is_forgotten_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vocabulary, "MOST_WORDS", 100)
    known = Vocabulary(FUNCTION_WORDS, LEXICON)
    seen: list[Features] = []
    for batch in range(40):
        words = [f"Word{n}" for n in range(20 * batch, 20 * batch + 20)]
        seen += known.features([*words, "Anna"], ["anna", *words])
    assert max(features.number_W.max() for features in seen) < 100 + 21
    assert all(features.is_capital_W.sum() >= 20 for features in seen)
    for of_source, of_target in zip(seen[::2], seen[1::2], strict=True):
        assert of_source.anchor_W.tolist() == [
            *of_target.anchor_W[1:].tolist(),
            of_target.anchor_W[0],
        ]
