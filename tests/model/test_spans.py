"""Which spans are informative by a spaCy model."""

from pathlib import Path

import pytest
import spacy

from clism_ray.config_corpus import SpacyConfig, SpanConfig
from clism_ray.corpus.capitals import Casing, Span
from clism_ray.corpus.spans import Known, finder
from clism_ray.corpus.words import words
from clism_ray.errors import InputError

NOTHING_KNOWN = Known(Casing((), ()), {}, 0)


def by_spacy(folder: str, max_words: int = 10) -> SpanConfig:
    return SpanConfig(finders=("spacy",), spacy=SpacyConfig(model=folder), max_words=max_words)


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
    find = finder(by_spacy(model), "en")
    assert find(texts, [words(text) for text in texts], NOTHING_KNOWN) == [
        [Span(1, 3, "GPE"), Span(4, 6, "DATE")],
        [],
        [],
    ]


def test_spans_over_the_limit_are_left_out(model: str) -> None:
    text = "one fine day in spring"
    for limit, number in ((5, 1), (4, 0)):
        find = finder(by_spacy(model, limit), "en")
        assert len(find([text], [words(text)], NOTHING_KNOWN)[0]) == number


def test_a_model_of_another_language_is_refused(model: str) -> None:
    with pytest.raises(InputError, match=r"a model of 'en', but the source language is 'de'"):
        finder(by_spacy(model), "de-AT")


def test_a_model_of_several_languages_reads_any(tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path)
    assert finder(by_spacy(str(tmp_path)), "de")(["ja"], [[(0, 2)]], NOTHING_KNOWN) == [[]]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        finder(by_spacy(str(tmp_path / "none")), "en")
    with pytest.raises(InputError, match="cannot be loaded"):
        finder(by_spacy(str(tmp_path)), "en")
