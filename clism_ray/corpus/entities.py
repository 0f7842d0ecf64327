"""The named entities that a spaCy pipeline finds."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from clism_ray.corpus.capitals import Span
from clism_ray.corpus.words import Offsets
from clism_ray.errors import InputError


@lru_cache(maxsize=1)
def load_pipeline(folder: str, language: str) -> Any:
    """The spaCy pipeline in a folder; InputError if it is none, or of another language."""
    if not Path(folder).is_dir():
        raise InputError(f"spans.spacy.model: {folder}: no such folder")
    import spacy  # loads PyTorch: seconds, and 200 MB of each worker that needs no model

    try:
        nlp = spacy.load(folder)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"spans.spacy.model: {folder}: cannot be loaded: {error}") from error
    if nlp.lang not in (language, "xx"):  # xx: spaCy's name for several languages
        raise InputError(
            f"spans.spacy.model: {folder} is a model of {nlp.lang!r}, "
            f"but the source language is {language!r}"
        )
    return nlp


def entities_in(
    nlp: Any, texts: Sequence[str], offsets: Sequence[list[Offsets]]
) -> list[list[Span]]:
    """The entities of each text that begin and end where words do. spaCy gives no confidence: 1."""
    return [
        _on_words(doc.ents, places) for doc, places in zip(nlp.pipe(texts), offsets, strict=True)
    ]


def _on_words(entities: Sequence[Any], offsets: list[Offsets]) -> list[Span]:
    first = {start: position for position, (start, _) in enumerate(offsets)}
    end = {stop: position + 1 for position, (_, stop) in enumerate(offsets)}
    return [
        Span(first[entity.start_char], end[entity.end_char], entity.label_)
        for entity in entities
        if entity.start_char in first and entity.end_char in end
    ]
