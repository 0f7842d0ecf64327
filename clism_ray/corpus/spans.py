"""Which spans of a source sentence are informative.

With a spaCy model these are its named entities, as in the paper; without one, the names and
numbers that `capitals` finds in English. The rules of the paper's appendix B hold for both: no
span of stop words only, whole words, at most `max_words` of them.
"""

from collections.abc import Callable, Container, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from clism_ray.config import SpanConfig
from clism_ray.corpus.capitals import Casing, Span, names_and_numbers
from clism_ray.corpus.words import Offsets, is_punctuation
from clism_ray.errors import InputError

Finder: TypeAlias = Callable[[Sequence[str], Sequence[list[Offsets]], Casing], list[list[Span]]]
"""(texts, the words of each, the corpus's casing) -> the spans of each, disjoint, in order."""


def finder(config: SpanConfig, language: str) -> Finder:
    """The way spans are found under a configuration, for sources in one language.

    Raises InputError for a model that cannot be loaded or is of another language, and for
    sources that are not English where no model is given.
    """
    language = language.partition("-")[0]
    if config.spacy_model is not None:
        nlp = load_model(config.spacy_model, language)
        return lambda texts, offsets, known: _by_model(nlp, texts, offsets, config.max_words)
    if language != "en":
        raise InputError(
            "spans.spacy_model: none given, and the rule for names and numbers reads English; "
            f"got source language {language!r}: name a spaCy model for it, or swap the sides"
        )
    return lambda texts, offsets, known: [
        _by_form(text, places, known, config.max_words)
        for text, places in zip(texts, offsets, strict=True)
    ]


@lru_cache(maxsize=1)
def load_model(folder: str, language: str) -> Any:
    """The spaCy pipeline in a folder; InputError if it is none, or of another language."""
    if not Path(folder).is_dir():
        raise InputError(f"spans.spacy_model: {folder}: no such folder")
    import spacy  # loads PyTorch: seconds, and 200 MB of each worker that needs no model

    try:
        nlp = spacy.load(folder)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"spans.spacy_model: {folder}: cannot be loaded: {error}") from error
    if nlp.lang != language:
        raise InputError(
            f"spans.spacy_model: {folder} is a model of {nlp.lang!r}, "
            f"but the source language is {language!r}"
        )
    return nlp


def usable(
    spans: Sequence[Span], tokens: Sequence[str], stop_words: Container[str], max_words: int
) -> list[Span]:
    """Those of at most `max_words` words that are not only stop words and punctuation."""
    return [
        span
        for span in spans
        if span.end - span.first <= max_words
        and any(
            not is_punctuation(token) and token.lower() not in stop_words
            for token in tokens[span.first : span.end]
        )
    ]


def _by_form(text: str, offsets: list[Offsets], known: Casing, max_words: int) -> list[Span]:
    tokens = [text[start:end] for start, end in offsets]
    spans = names_and_numbers(tokens, offsets, known)
    return usable(spans, tokens, (), max_words)  # the rule minds stop words, and "two" is a number


def _by_model(
    nlp: Any, texts: Sequence[str], offsets: Sequence[list[Offsets]], max_words: int
) -> list[list[Span]]:
    found = []
    for doc, places in zip(nlp.pipe(texts), offsets, strict=True):
        tokens = [doc.text[start:end] for start, end in places]
        found.append(usable(_entities(doc, places), tokens, nlp.Defaults.stop_words, max_words))
    return found


def _entities(doc: Any, offsets: list[Offsets]) -> list[Span]:
    """Entities that begin and end where words do."""
    first = {start: position for position, (start, _) in enumerate(offsets)}
    end = {stop: position + 1 for position, (_, stop) in enumerate(offsets)}
    return [
        Span(first[entity.start_char], end[entity.end_char], entity.label_)
        for entity in doc.ents
        if entity.start_char in first and entity.end_char in end
    ]
