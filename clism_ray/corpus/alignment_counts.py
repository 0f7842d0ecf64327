"""What preparation makes of gold pairs, counted: its links and its projected spans.

Words are linked and spans projected as in preparation, on its own words; the links and spans are
then those of the gold's own tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

from clism_ray.config_alignment import SpanScoring
from clism_ray.corpus import alignment_scores as scores
from clism_ray.corpus.align import Alignment, align
from clism_ray.corpus.capitals import Span, names_and_numbers
from clism_ray.corpus.gold import GoldPair
from clism_ray.corpus.project import project
from clism_ray.corpus.tables import Tables
from clism_ray.corpus.words import Offsets, Side, is_punctuation, side
from clism_ray.randomness import Use, generator


class Counts(NamedTuple):
    """Of each sentence pair: `scores.LINK_COUNTS` or `scores.SPAN_COUNTS`, or a truth."""

    links: list[list[int]]
    names: list[list[list[int]]]  # for each of `min_scores`
    ngrams: list[list[int]]
    unread: list[bool]  # the aligner cannot read it: no link and no answer


def count(known: Tables, pairs: Sequence[GoldPair], settings: SpanScoring) -> Counts:
    """The counts of each pair, linked by what tables know."""
    sides = [(side(pair.source), side(pair.target)) for pair in pairs]
    read = align(known, sides)
    alignments = [found or Alignment({}) for found in read]
    unread = [found is None for found in read]
    counts = Counts([], [[] for _ in settings.min_scores], [], unread)
    for place, (pair, (source, target), alignment) in enumerate(
        zip(pairs, sides, alignments, strict=True)
    ):
        tokens = scores.tokens_of_words(pair.source_tokens, source.offsets)
        target_tokens = scores.tokens_of_words(pair.target_tokens, target.offsets)
        links = {(tokens[i], target_tokens[j]) for i, j in alignment.trust}
        found = {(i, j) for i, j in links if i is not None and j is not None}
        counts.links.append(scores.count_links(found, pair))
        names = _names(pair, source, known, settings)
        ngrams = _ngrams(source, tokens, settings, place)
        for spans, min_scores, counted in (
            (names, settings.min_scores, counts.names),
            (ngrams, (0.0,), [counts.ngrams]),
        ):
            projected = _projected(pair, (source, target), alignment, tokens, spans, settings)
            truths = [truth for truth, _, _ in projected]
            for least, per_pair in zip(min_scores, counted, strict=True):
                answers = [answer if score >= least else None for _, answer, score in projected]
                per_pair.append(scores.count_spans(answers, truths))
    return counts


def _projected(
    pair: GoldPair,
    sides: tuple[Side, Side],
    alignment: Alignment,
    tokens: Sequence[int | None],
    spans: Sequence[Span],
    settings: SpanScoring,
) -> list[tuple[Offsets | scores.Undecided, Offsets | None, float]]:
    """Of each span of whole tokens: the truth, the answer and its score."""
    whole = {
        span: place
        for span in spans
        if (place := scores.whole_tokens(span.first, span.end, tokens)) is not None
    }
    outcomes = project(list(whole), *sides, alignment, settings.max_words)
    return [
        (scores.counterpart(pair, *place), None, 0.0)
        if isinstance(outcome, str)
        else (
            scores.counterpart(pair, *place),
            (outcome.target_start, outcome.target_end),
            outcome.score,
        )
        for place, outcome in zip(whole.values(), outcomes, strict=True)
    ]


def _names(pair: GoldPair, source: Side, known: Tables, settings: SpanScoring) -> list[Span]:
    """The spans that are known, else the names and numbers that preparation would find."""
    if pair.spans is None:
        found = names_and_numbers(source.words, source.offsets, known.casing)
        return [span for span in found if span.end - span.first <= settings.max_words]
    return [
        Span(inside[0], inside[-1] + 1, "span")
        for start, end in pair.spans
        if (
            inside := [
                place
                for place, (first, last) in enumerate(source.offsets)
                if start <= first and last <= end
            ]
        )
    ]


def _ngrams(
    source: Side, tokens: Sequence[int | None], settings: SpanScoring, place: int
) -> list[Span]:
    """Different runs of words that begin and end with whole tokens and no punctuation."""
    draw = generator(Use.SCORED_NGRAMS, settings.seed, index=place)
    found = set()
    for _ in range(settings.ngrams):
        first = int(draw.integers(len(source.words)))
        end = min(len(source.words), first + int(draw.integers(1, settings.ngram_words + 1)))
        is_open = is_punctuation(source.words[first]) or is_punctuation(source.words[end - 1])
        if not is_open and scores.whole_tokens(first, end, tokens):
            found.add(Span(first, end, "n-gram"))
    return sorted(found)
