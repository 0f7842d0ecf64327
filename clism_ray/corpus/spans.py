"""Which spans of a source sentence are informative: names and numbers.

With a spaCy model its named entities are taken, as in the paper. Without one, a rule finds names
and numbers in English by their form:

- A name is a run of capitalised words. "of" and "the" (and a few foreign particles) may stand
  inside, and so may a number at its end: "Bank of England", "Windows 10".
- The first word of a sentence is capitalised whatever it is. It counts if another capitalised
  word follows, if it has capitals inside, or if it is known as a name: capitalised more often
  than not inside the sentences of the corpus.
- A sentence of four or more words with every word capitalised is a headline: no names there.
- A number is a word that begins with a digit, with the scale or percent sign after it; a month
  between numbers makes a date.

Rules of the paper's appendix B hold for both: no span of stop words only, whole words, at most
`max_words` of them.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import spacy
from spacy.lang.en.stop_words import STOP_WORDS

from clism_ray.config import SpanConfig
from clism_ray.corpus.words import Offsets, is_punctuation
from clism_ray.errors import InputError

NAME, NUMBER = "name", "number"

_INSIDE = frozenset("of the de del della di da do dos du la le van von der den bin al el".split())
_MONTHS = frozenset(
    "January February March April May June July August September October November December".split()
)
_SCALES = frozenset("hundred thousand million billion trillion percent %".split())
_TITLES = frozenset("Mr Mrs Ms Dr St Prof Gen Sen Rep Gov Jr Sr".split())
_ENDS = frozenset('.!?:;…"“”«»()[]{}-–—•*/|<>')  # after these, a capital proves nothing
_HEADLINE_WORDS = 4


class Span(NamedTuple):
    """Source words `first` to `end` - 1, and what they are."""

    first: int
    end: int
    label: str


Finder: TypeAlias = Callable[
    [Sequence[str], Sequence[list[Offsets]], Container[str]], list[list[Span]]
]
"""(texts, the words of each, known names) -> the informative spans of each, disjoint, in order."""


def finder(config: SpanConfig, language: str) -> Finder:
    """The way spans are found under a configuration, for sources in one language.

    Raises InputError for a model that cannot be loaded or is of another language, and for
    sources that are not English where no model is given.
    """
    if config.spacy_model is None:
        if language.split("-")[0] != "en":
            raise InputError(
                f"spans.spacy_model: none given, and the name and number rule reads English; "
                f"got source language {language!r}: name a spaCy model for it, or swap the sides"
            )
        return lambda texts, offsets, names: [
            usable(
                find_names_and_numbers(text, places, names),
                text,
                places,
                STOP_WORDS,
                config.max_words,
            )
            for text, places in zip(texts, offsets, strict=True)
        ]
    nlp = _load(config.spacy_model)
    if nlp.lang != language.split("-")[0]:
        raise InputError(
            f"spans.spacy_model: {config.spacy_model} is a model of {nlp.lang!r}, "
            f"but the source language is {language!r}"
        )
    return lambda texts, offsets, names: [
        usable(_entities(doc, places), doc.text, places, nlp.Defaults.stop_words, config.max_words)
        for doc, places in zip(nlp.pipe(texts), offsets, strict=True)
    ]


def usable(
    spans: Sequence[Span], text: str, offsets: list[Offsets], stop_words: Container[str], limit: int
) -> list[Span]:
    """Those of at most `limit` words that are not only stop words and punctuation."""

    def says_something(span: Span) -> bool:
        surfaces = (text[start:end] for start, end in offsets[span.first : span.end])
        return any(not is_punctuation(w) and w.lower() not in stop_words for w in surfaces)

    return [span for span in spans if span.end - span.first <= limit and says_something(span)]


def find_names_and_numbers(text: str, offsets: list[Offsets], names: Container[str]) -> list[Span]:
    """Spans by the rule above, disjoint and in order; `names` holds lower-cased words."""
    tokens = [text[start:end] for start, end in offsets]
    kinds = _kinds(tokens, names)
    glued = [False, *(a[1] == b[0] for a, b in pairwise(offsets))]
    sentence = _Sentence(tokens, kinds, glued)
    spans, position = [], 0
    while position < len(tokens):
        end, label = sentence.span_from(position)
        if label is not None:
            spans.append(Span(position, end, label))
        position = max(end, position + 1)
    return spans


def mid_sentence_case(text: str, offsets: list[Offsets]) -> Iterator[tuple[str, bool]]:
    """(lower-cased word, whether capitalised) for words whose capital is not the sentence's."""
    tokens = [text[start:end] for start, end in offsets]
    if _is_headline(tokens):
        return
    for position, token in enumerate(tokens):
        if token[0].isalpha() and not _starts_sentence(tokens, position):
            yield token.lower(), token[0].isupper()


@dataclass(frozen=True, slots=True)
class _Sentence:
    tokens: list[str]
    kinds: list[str]  # of each token: NAME, NUMBER, or "" for neither
    glued: list[bool]  # whether no space stands before the token

    def span_from(self, first: int) -> tuple[int, str | None]:
        """The end and label of the span that begins at a word; label None if none does."""
        if self.kinds[first] == NUMBER:
            return self._number(first), NUMBER
        if self._is_date(first):
            return self._number(first), NUMBER
        if self.kinds[first] != NAME:
            return first + 1, None
        end = self._name(first)
        alone = end == first + 1
        if alone and len(self.tokens[first]) == 1:
            return end, None
        return end, NAME

    def _name(self, first: int) -> int:
        end = first + 1
        while (following := self._next_name(end)) is not None:
            end = following + 1
        if end < len(self.tokens) and self.kinds[end] == NUMBER and not self.glued[end]:
            if not self._is_month(end - 1) and not self._is_date(end + 1):
                end += 1
        return end

    def _next_name(self, position: int) -> int | None:
        """The next capitalised word of the same name, if there is one."""
        if position >= len(self.tokens):
            return None
        if self.kinds[position] == NAME and not self._is_date(position):
            return position
        token = self.tokens[position]
        following = position + 1
        if token in "-'’&" and self.glued[position]:
            is_next = following < len(self.tokens) and self.glued[following]
        elif token == "." and self.glued[position]:
            before = self.tokens[position - 1]
            is_next = len(before) == 1 or before in _TITLES
        else:
            while token in _INSIDE and following < len(self.tokens):
                token = self.tokens[following]
                if token not in _INSIDE:
                    break
                following += 1
            is_next = self.tokens[position] in _INSIDE
        is_next = is_next and following < len(self.tokens)
        return following if is_next and self.kinds[following] == NAME else None

    def _is_month(self, position: int) -> bool:
        return position < len(self.tokens) and self.tokens[position] in _MONTHS

    def _is_date(self, position: int) -> bool:
        """Whether a month stands here with a number after it."""
        after = position + 1
        return self._is_month(position) and after < len(self.tokens) and self.kinds[after] == NUMBER

    def _number(self, first: int) -> int:
        """The end of the number or date that begins at a number or month."""
        end = first + 1
        if self.tokens[first] not in _MONTHS:
            if end < len(self.tokens) and self.tokens[end] in _SCALES:
                return end + 1
            if not self._is_month(end):
                return end
            end += 1
        if end < len(self.tokens) and self.kinds[end] == NUMBER:  # "March 12"
            end += 1
        year = end + 1
        if year < len(self.tokens) and self.tokens[end] == "," and _is_year(self.tokens[year]):
            end += 2  # "March 12, 2009"
        return end


def _kinds(tokens: list[str], names: Container[str]) -> list[str]:
    headline = _is_headline(tokens)
    kinds = []
    for position, token in enumerate(tokens):
        if token[0].isdecimal():
            kinds.append(NUMBER)
        elif not headline and _is_name(tokens, position, names):
            kinds.append(NAME)
        else:
            kinds.append("")
    return kinds


def _is_name(tokens: list[str], position: int, names: Container[str]) -> bool:
    token = tokens[position]
    if not token[0].isupper():
        return any(character.isupper() for character in token)  # iPhone
    if token[1:] != token[1:].lower():
        return True  # NATO, McDonald, U.S.
    if token.lower() in STOP_WORDS:
        return token in _MONTHS
    if not _starts_sentence(tokens, position):
        return True
    following = tokens[position + 1] if position + 1 < len(tokens) else ""
    followed = following[:1].isupper() and following.lower() not in STOP_WORDS
    return followed or token.lower() in names


def _starts_sentence(tokens: list[str], position: int) -> bool:
    if position == 0:
        return True
    before = tokens[position - 1]
    if before == "." and position > 1 and tokens[position - 2] in _TITLES:
        return False
    return before in _ENDS or before in "'‘’"


def _is_headline(tokens: list[str]) -> bool:
    lettered = [t for t in tokens if t[0].isalpha() and t.lower() not in STOP_WORDS]
    return len(lettered) >= _HEADLINE_WORDS and all(t[0].isupper() for t in lettered)


def _is_year(token: str) -> bool:
    return len(token) == 4 and token.isdecimal()


@lru_cache(maxsize=1)
def _load(model: str) -> Any:
    if not Path(model).is_dir():
        raise InputError(f"spans.spacy_model: {model}: no such folder")
    try:
        return spacy.load(model)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"spans.spacy_model: {model}: cannot be loaded: {error}") from error


def _entities(doc: Any, offsets: list[Offsets]) -> list[Span]:
    """Entities that begin and end where words do."""
    first = {start: position for position, (start, _) in enumerate(offsets)}
    end = {stop: position + 1 for position, (_, stop) in enumerate(offsets)}
    return [
        Span(first[entity.start_char], end[entity.end_char], entity.label_)
        for entity in doc.ents
        if entity.start_char in first and entity.end_char in end
    ]
