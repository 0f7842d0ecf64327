"""Which spans are informative, by a spaCy model and without one."""

from pathlib import Path

import pytest
import spacy

from clism_ray.config import SpanConfig
from clism_ray.corpus.capitals import Casing, Span
from clism_ray.corpus.spans import finder, usable
from clism_ray.corpus.words import words
from clism_ray.errors import InputError

NOTHING_KNOWN = Casing((), ())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    patterns = [
        {"label": "GPE", "pattern": "new york"},
        {"label": "DATE", "pattern": "three days"},
        {"label": "PART", "pattern": "half"},
        {"label": "WORK", "pattern": "the"},
        {"label": "LONG", "pattern": "one fine day in spring"},
    ]
    ruler.add_patterns(patterns)  # type: ignore[attr-defined]
    folder = tmp_path_factory.mktemp("spacy") / "model"
    nlp.to_disk(folder)
    return str(folder)


def test_entities_of_a_model_become_spans_with_its_labels(model: str) -> None:
    texts = ["in new york for three days", "nothing", "the end"]
    find = finder(SpanConfig(spacy_model=model), "en")
    assert find(texts, [words(text) for text in texts], NOTHING_KNOWN) == [
        [Span(1, 3, "GPE"), Span(4, 6, "DATE")],
        [],
        [],
    ]


def test_spans_over_the_limit_are_left_out(model: str) -> None:
    text = "one fine day in spring"
    for limit, number in ((5, 1), (4, 0)):
        find = finder(SpanConfig(spacy_model=model, max_words=limit), "en")
        assert len(find([text], [words(text)], NOTHING_KNOWN)[0]) == number


def test_without_a_model_names_and_numbers_are_found_by_form() -> None:
    text = "we saw Paris in 2009"
    assert finder(SpanConfig(), "en")([text], [words(text)], NOTHING_KNOWN) == [
        [Span(2, 3, "name"), Span(4, 5, "number")]
    ]


def test_spans_of_stop_words_and_punctuation_only_are_of_no_use() -> None:
    tokens = ["The", "-", "of", "Hague"]
    spans = [Span(0, 3, "x"), Span(0, 4, "x")]
    assert usable(spans, tokens, {"the", "of"}, 10) == [Span(0, 4, "x")]


def test_without_a_model_the_source_must_be_english() -> None:
    with pytest.raises(InputError, match=r"spans.spacy_model: none given.*'de'"):
        finder(SpanConfig(), "de")


def test_a_model_of_another_language_is_refused(model: str) -> None:
    with pytest.raises(InputError, match=r"a model of 'en', but the source language is 'de'"):
        finder(SpanConfig(spacy_model=model), "de-AT")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        finder(SpanConfig(spacy_model=str(tmp_path / "none")), "en")
    with pytest.raises(InputError, match="cannot be loaded"):
        finder(SpanConfig(spacy_model=str(tmp_path)), "en")
