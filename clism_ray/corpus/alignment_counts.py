"""What preparation makes of gold pairs, counted: its links and its projected spans.

Words are linked and spans projected as in preparation, on its own words, and the aligner is asked
for all pairs, those too that anchors would decide; the links and spans are then those of the gold's
own tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

from clism_ray.config_alignment import SpanScoring
from clism_ray.corpus import alignment_scores as scores
from clism_ray.corpus.align import align
from clism_ray.corpus.capitals import Span, names_and_numbers
from clism_ray.corpus.gold import GoldPair
from clism_ray.corpus.project import Outcome, project
from clism_ray.corpus.sides import Side, side
from clism_ray.corpus.tables import Tables
from clism_ray.corpus.words import Offsets, is_punctuation
from clism_ray.randomness import Use, generator


class Counts(NamedTuple):
    """Of each sentence pair: `scores.LINK_COUNTS` or `scores.SPAN_COUNTS`, or a truth."""

    links: list[list[int]]
    names: list[list[list[int]]]  # for each of `min_scores`
    ngrams: list[list[int]]
    unread: list[bool]  # the aligner cannot read it: no link and no answer


def count(known: Tables, pairs: Sequence[GoldPair], settings: SpanScoring) -> Counts:
    """The counts of each pair, linked by what tables know."""
    source, target = side([pair.source for pair in pairs]), side([pair.target for pair in pairs])
    alignment = align(known, source, target)
    tokens = _tokens([pair.source_tokens for pair in pairs], source)
    target_tokens = _tokens([pair.target_tokens for pair in pairs], target)
    links = []
    for n, trust in enumerate(alignment.links.by_pair(source, target)):
        tied = {(tokens[n][i], target_tokens[n][j]) for i, j in trust}
        found = {(i, j) for i, j in tied if i is not None and j is not None}
        links.append(scores.count_links(found, pairs[n]))

    def of_spans(spans: Sequence[Sequence[Span]], least: Sequence[float]) -> list[list[list[int]]]:
        """The counts of answers that score at least so much, for each such score."""
        whole = _of_whole_tokens(spans, tokens)
        asked = [list(of_pair) for of_pair in whole]
        outcomes = project(asked, source, target, alignment, settings.max_words)
        truths = [
            [scores.counterpart(pair, *place) for place in of_pair.values()]
            for pair, of_pair in zip(pairs, whole, strict=True)
        ]
        return [
            [
                scores.count_spans([_answer(outcome, score) for outcome in of_pair], of_truth)
                for of_pair, of_truth in zip(outcomes, truths, strict=True)
            ]
            for score in least
        ]

    (ngrams,) = of_spans(_ngrams(source, tokens, settings), [0.0])
    return Counts(
        links=links,
        names=of_spans(_names(pairs, source, known, settings), settings.min_scores),
        ngrams=ngrams,
        unread=[n in alignment.links.unread for n in range(len(pairs))],
    )


def _tokens(tokens: Sequence[Sequence[Offsets]], side: Side) -> list[list[int | None]]:
    """The gold's token of each word of each text."""
    of_texts = zip(tokens, side.offsets(), strict=True)
    return [scores.tokens_of_words(of_text, words) for of_text, words in of_texts]


def _of_whole_tokens(
    spans: Sequence[Sequence[Span]], tokens: Sequence[Sequence[int | None]]
) -> list[dict[Span, tuple[int, int]]]:
    """The spans of each pair that are whole tokens, and which tokens."""
    return [
        {
            span: place
            for span in of_pair
            if (place := scores.whole_tokens(span.first, span.end, of_words)) is not None
        }
        for of_pair, of_words in zip(spans, tokens, strict=True)
    ]


def _answer(outcome: Outcome, min_score: float) -> Offsets | None:
    """Where the counterpart is, if there is one that scores enough."""
    if isinstance(outcome, str) or outcome.score < min_score:
        return None
    return outcome.target_start, outcome.target_end


def _names(
    pairs: Sequence[GoldPair], source: Side, known: Tables, settings: SpanScoring
) -> list[list[Span]]:
    """The spans that are known, else the names and numbers that preparation would find."""
    found = []
    for pair, words, offsets in zip(pairs, source.words(), source.offsets(), strict=True):
        if pair.spans is None:
            names = names_and_numbers(words, offsets, known.casing)
            found.append([span for span in names if span.end - span.first <= settings.max_words])
        else:
            found.append([span for ends in pair.spans for span in _span_of(ends, offsets)])
    return found


def _span_of(ends: Offsets, words: Sequence[Offsets]) -> list[Span]:
    """The words between two places, if there are any."""
    inside = [n for n, (first, last) in enumerate(words) if ends[0] <= first and last <= ends[1]]
    return [Span(inside[0], inside[-1] + 1, "span")] if inside else []


def _ngrams(
    source: Side, tokens: Sequence[Sequence[int | None]], settings: SpanScoring
) -> list[list[Span]]:
    """Some runs of words of each text."""
    of_texts = enumerate(zip(source.words(), tokens, strict=True))
    return [_ngrams_of(words, of_words, settings, text) for text, (words, of_words) in of_texts]


def _ngrams_of(
    words: Sequence[str], tokens: Sequence[int | None], settings: SpanScoring, place: int
) -> list[Span]:
    """Different runs of words that begin and end with whole tokens and no punctuation."""
    draw = generator(Use.SCORED_NGRAMS, settings.seed, index=place)
    found = set()
    for _ in range(settings.ngrams):
        first = int(draw.integers(len(words)))
        end = min(len(words), first + int(draw.integers(1, settings.ngram_words + 1)))
        is_open = is_punctuation(words[first]) or is_punctuation(words[end - 1])
        if not is_open and scores.whole_tokens(first, end, tokens):
            found.add(Span(first, end, "n-gram"))
    return sorted(found)
