"""Which spans are informative: what finders find together, and configurations that cannot work."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_corpus import SpanConfig
from clism_ray.config_file import parse
from clism_ray.corpus.capitals import Casing, Span
from clism_ray.corpus.spans import Known, disjoint, finder, usable
from clism_ray.corpus.words import words
from clism_ray.errors import InputError

KNOWN = Known(Casing((), ()), {"the": 5000, "of": 3000, "in": 2000, "we": 1500}, 100_000)
TEXT = "we saw the Bank of England in 2009 with great joy"


def config(**tree: Any) -> SpanConfig:
    return parse(SpanConfig, tree)


def found(spans: SpanConfig, *texts: str, language: str = "en") -> list[list[tuple[str, str]]]:
    offsets = [words(text) for text in texts]
    return [
        [(text[places[span.first][0] : places[span.end - 1][1]], span.label) for span in each]
        for text, places, each in zip(
            texts, offsets, finder(spans, language)(texts, offsets, KNOWN), strict=True
        )
    ]


@pytest.fixture
def terms(tmp_path: Path) -> str:
    path = tmp_path / "terms.txt"
    path.write_text("England in\tphrase\nsaw\ngreat joy\n", encoding="utf-8")
    return str(path)


def test_by_default_names_and_numbers_of_english_are_found_by_form() -> None:
    assert found(config(), TEXT, "nothing") == [
        [("Bank of England", "name"), ("2009", "number")],
        [],
    ]


def test_of_overlapping_spans_that_of_the_earlier_finder_stays(terms: str) -> None:
    both = ["names_and_numbers", "gazetteer"]
    names_first = config(finders=both, gazetteer={"path": terms})
    list_first = config(finders=both[::-1], gazetteer={"path": terms})
    assert found(names_first, TEXT) == [
        [("saw", "term"), ("Bank of England", "name"), ("2009", "number"), ("great joy", "term")]
    ]
    assert found(list_first, TEXT) == [
        [("saw", "term"), ("England in", "phrase"), ("2009", "number"), ("great joy", "term")]
    ]


def test_n_grams_fill_what_other_finders_leave(terms: str) -> None:
    spans = config(
        finders=["names_and_numbers", "gazetteer", "ngrams"],
        gazetteer={"path": terms},
        ngrams={"per_sentence": 9, "max_words": 1},
    )
    (labels,) = ([label for _, label in each] for each in found(spans, f"{TEXT} unlike others"))
    assert labels == ["term", "name", "number", "term", "ngram"]


def test_a_source_that_is_not_english_is_left_to_the_other_finders(terms: str) -> None:
    both = config(finders=["names_and_numbers", "gazetteer"], gazetteer={"path": terms})
    assert found(both, TEXT, language="de-AT") == [
        [("saw", "term"), ("England in", "phrase"), ("great joy", "term")]
    ]


def test_without_another_finder_the_source_must_be_english() -> None:
    with pytest.raises(InputError, match=r"spans\.finders: .* reads English; got .* 'de'"):
        finder(config(), "de")


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({"finders": ["names"]}, r"finders\.0: Input should be 'names_and_numbers', .*'names'"),
        ({"finders": []}, "finders: .*at least 1"),
        ({"finders": ["ngrams", "ngrams"]}, "ngrams, ngrams names a finder twice"),
        ({"finders": ["spacy"]}, "a section spacy for it; got finders spacy and spacy: None"),
        ({"spacy": {"model": "m"}}, "spacy needs a place in finders"),
        ({"finders": ["gazetteer"]}, "a section gazetteer"),
        ({"finders": ["token_classification"]}, "a section token_classification"),
        ({"spacy_model": "m"}, "spacy_model: unknown key; did you mean spacy?"),
        ({"finders": ["gazetteer"], "gazetteer": {}}, r"gazetteer\.path: required"),
    ],
)
def test_a_configuration_that_cannot_work_is_one_clear_error(tree: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as error:
        config(**tree)
    assert len(str(error.value).splitlines()) == 1


def test_spans_of_stop_words_and_punctuation_only_are_of_no_use() -> None:
    tokens = ["The", "-", "of", "Hague", "US", "us"]
    spans = [Span(0, 3, "x"), Span(0, 4, "x"), Span(4, 5, "x"), Span(5, 6, "x")]
    assert usable(spans, tokens, {"the", "of", "us"}, 10) == [Span(0, 4, "x"), Span(4, 5, "x")]


def test_a_span_in_a_script_without_spaces_is_as_long_as_it_would_be_with_them() -> None:
    name = list("中国国际经济交流中心理事会议")  # fourteen characters: seven words
    span = Span(0, 14, "ORG")
    assert usable([span], name, (), 7) == [span]
    assert usable([span], name, (), 6) == []


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4)), max_size=8), max_size=4))
def test_spans_of_several_finders_are_disjoint_and_the_first_finder_keeps_its_own(
    drawn: list[list[tuple[int, int]]],
) -> None:
    by_finder = [
        disjoint([[Span(first, first + size, str(n))] for first, size in spans])
        for n, spans in enumerate(drawn)
    ]
    together = disjoint(by_finder)
    places = [place for span in together for place in range(span.first, span.end)]
    assert places == sorted(set(places))
    assert set(together) >= set(by_finder[0] if by_finder else [])
    for span in (span for spans in by_finder for span in spans):
        mine = set(range(span.first, span.end))
        earlier = [s for s in together if int(s.label) <= int(span.label)]
        assert any(mine & set(range(s.first, s.end)) for s in earlier)
