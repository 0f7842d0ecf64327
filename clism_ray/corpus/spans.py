"""Which spans of a source sentence are informative: what one or several finders find.

    names_and_numbers     capitalised words and numbers of English, by their form (`capitals`)
    spacy                 the named entities of a spaCy pipeline (`entities`)
    token_classification  those of a Hugging Face model, which the caller hands in
    gazetteer             entries of a list (`gazetteer`)
    ngrams                runs of words that begin and end with a rare one (`rare_ngrams`)

They are asked in the order of the configuration. Where spans overlap, the finder that stands
first wins, so the spans of a sentence are disjoint. The rules of the paper's appendix B hold for
all: whole words, at most `max_words` of them as `length_in_words` counts, and for models no span of
stop words only.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias, assert_never

from clism_ray.config_corpus import FinderName, SpanConfig, TokenClassificationConfig
from clism_ray.corpus.capitals import Casing, Span, names_and_numbers
from clism_ray.corpus.entities import entities_in, load_pipeline
from clism_ray.corpus.gazetteer import entries_in, read_gazetteer
from clism_ray.corpus.rare_ngrams import ngrams_in
from clism_ray.corpus.stop_words import STOP_WORDS
from clism_ray.corpus.words import Offsets, is_punctuation, length_in_words
from clism_ray.errors import InputError


class Known(NamedTuple):
    """What the corpus tells of its source words; `tables` learns it from a sample."""

    casing: Casing
    frequency: Mapping[str, int]  # of lower-cased words
    total: int  # running words


Finder: TypeAlias = Callable[[Sequence[str], Sequence[list[Offsets]], Known], list[list[Span]]]
"""(texts, the words of each, what is known) -> the spans of each, disjoint, in order."""

Tagger: TypeAlias = Callable[[Sequence[str], Sequence[list[Offsets]]], list[list[Span]]]
"""(texts, the words of each) -> the spans of each, disjoint, in order."""

LoadTagger: TypeAlias = Callable[[TokenClassificationConfig], Tagger]


def finder(config: SpanConfig, language: str, load_tagger: LoadTagger | None = None) -> Finder:
    """The way spans are found under a configuration, for sources in one language.

    Args:
        config: which finders, in which order.
        language: of the sources.
        load_tagger: opens the model for token_classification, which takes PyTorch; whoever may be
            asked for that finder gives it.

    Raises:
        InputError: a model or list that cannot be read, a spaCy model of another language, or no
            finder that reads the language.
    """
    language = language.partition("-")[0]
    names = [name for name in config.finders if language == "en" or name != "names_and_numbers"]
    if not names:
        raise InputError(
            "spans.finders: the rule for names and numbers reads English; got source language "
            f"{language!r}: name another finder too (spacy, token_classification, gazetteer, "
            "ngrams), or swap the sides"
        )
    finders = [_finder(name, config, language, load_tagger) for name in names]

    def found(
        texts: Sequence[str], offsets: Sequence[list[Offsets]], known: Known
    ) -> list[list[Span]]:
        by_finder = [find(texts, offsets, known) for find in finders]
        return [disjoint(of_text) for of_text in zip(*by_finder, strict=True)]

    return finders[0] if len(finders) == 1 else found


def usable(
    spans: Sequence[Span], tokens: Sequence[str], stop_words: Container[str], max_words: int
) -> list[Span]:
    """Those of at most `max_words` words that are not only stop words and punctuation."""
    return [
        span
        for span in spans
        if length_in_words("".join(tokens[span.first : span.end]), span.end - span.first)
        <= max_words
        and any(
            not (is_punctuation(token) or _is_stop_word(token, stop_words))
            for token in tokens[span.first : span.end]
        )
    ]


def disjoint(found: Iterable[Sequence[Span]]) -> list[Span]:
    """The spans of several finders, in order, without those that meet one of an earlier finder."""
    taken: set[int] = set()
    kept: list[Span] = []
    for spans in found:
        free = [span for span in spans if taken.isdisjoint(range(span.first, span.end))]
        taken.update(place for span in free for place in range(span.first, span.end))
        kept += free
    return sorted(kept)


def _is_stop_word(token: str, stop_words: Container[str]) -> bool:
    is_acronym = len(token) > 1 and token.isupper()  # "US" is not "us"
    return not is_acronym and token.lower() in stop_words


def _finder(
    name: FinderName, config: SpanConfig, language: str, load_tagger: LoadTagger | None
) -> Finder:
    stop_words = STOP_WORDS if language == "en" else frozenset[str]()
    match name:
        case "names_and_numbers":  # the rule minds stop words, and "two" is a number
            return _each(
                lambda text, tokens, places, known: names_and_numbers(tokens, places, known.casing),
                config.max_words,
            )
        case "ngrams":
            return _each(
                lambda text, tokens, places, known: ngrams_in(
                    text, places, known.frequency, known.total, stop_words, config.ngrams
                ),
                config.max_words,
            )
        case "gazetteer":
            assert config.gazetteer is not None
            match_case = config.gazetteer.match_case
            trie = read_gazetteer(config.gazetteer, config.max_words)
            return _each(
                lambda text, tokens, places, known: entries_in(tokens, trie, match_case),
                config.max_words,
            )
        case "spacy":
            assert config.spacy is not None
            nlp = load_pipeline(config.spacy.model, language)
            return _tagged(
                lambda texts, offsets: entities_in(nlp, texts, offsets),
                nlp.Defaults.stop_words,
                config.max_words,
            )
        case "token_classification":
            assert config.token_classification is not None
            assert load_tagger is not None, "nobody handed in how to load a token classifier"
            tagger = load_tagger(config.token_classification)
            return _tagged(tagger, stop_words, config.max_words)
        case _:
            assert_never(name)


def _each(
    rule: Callable[[str, list[str], list[Offsets], Known], list[Span]], max_words: int
) -> Finder:
    """A finder that looks at one sentence at a time, from a rule that gives no useless spans."""

    def find(
        texts: Sequence[str], offsets: Sequence[list[Offsets]], known: Known
    ) -> list[list[Span]]:
        found = []
        for text, places in zip(texts, offsets, strict=True):
            tokens = [text[start:end] for start, end in places]
            found.append(usable(rule(text, tokens, places, known), tokens, (), max_words))
        return found

    return find


def _tagged(tagger: Tagger, stop_words: Container[str], max_words: int) -> Finder:
    """A finder from a model, whose spans may be of any kind."""

    def find(
        texts: Sequence[str], offsets: Sequence[list[Offsets]], known: Known
    ) -> list[list[Span]]:
        return [
            usable(spans, [text[start:end] for start, end in places], stop_words, max_words)
            for text, places, spans in zip(texts, offsets, tagger(texts, offsets), strict=True)
        ]

    return find
