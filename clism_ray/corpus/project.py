"""From the spans of a source sentence to their counterparts in the target, through word links."""

from collections.abc import Container, Mapping, Sequence
from typing import Literal, TypeAlias

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import Side, is_punctuation, is_unspaced, length_in_words
from clism_ray.records import SpanPair

Reason: TypeAlias = Literal[
    "too_many_tokens", "unknown_word", "not_linked", "not_contiguous", "answer_too_long"
]

MIN_SCORE = 0.05  # a projection that scores less rests on nothing that is known


def project(
    spans: Sequence[Span], source: Side, target: Side, alignment: Alignment, max_words: int
) -> list[SpanPair | Reason]:
    """The counterpart of each span, or why it has none.

    Every word of the span must have a link, or the counterpart would lack that word; punctuation
    and, where there are others, function words need none. The counterpart runs from the first
    target word that links to the span to the last; function words at its ends do not belong to it,
    if none stands at the ends of the span. None of its words may link to a source word outside the
    span, which makes the pair consistent in both directions, and counterparts of disjoint spans
    disjoint. Links of punctuation do not count.
    In scripts without spaces a character without a link next to the counterpart may belong to
    its last word: such a span is not linked well enough.

    Score: over the words of both sides without punctuation and, where others are left, function
    words, the mean of the trust in the best link of each; 0 for words without a link. With a
    score below `MIN_SCORE` the span is refused as unknown_word.
    """
    signs = [
        {place for place, word in enumerate(side.words) if is_punctuation(word)}
        for side in (source, target)
    ]
    empty = [signs[side].union(alignment.function_words[side]) for side in (0, 1)]
    links = [(i, j) for i, j in alignment.trust if not (i in signs[0] or j in signs[1])]

    settled = signs[1].union(j for _, j in links)

    def counterpart(span: Span) -> SpanPair | Reason:
        own_links = [(i, j) for i, j in links if span.first <= i < span.end]
        inside = _content(empty[0], signs[0], range(span.first, span.end))
        if missing := set(inside).difference(i for i, _ in own_links):
            return "unknown_word" if alignment.unknown & missing else "not_linked"
        if not own_links:
            return "not_linked"
        linked = {j for _, j in own_links}
        if not (span.first in empty[0] or span.end - 1 in empty[0]):
            linked = linked - empty[1] or linked
        first, last = min(linked), max(linked)
        if any(first <= j <= last and not span.first <= i < span.end for i, j in links):
            return "not_contiguous"
        if any(is_unspaced(word) for word in _beside(target.words, first, last, settled)):
            return "not_linked"
        start, end = target.offsets[first][0], target.offsets[last][1]
        answer = target.offsets[first : last + 1]
        if length_in_words(target.text[start:end], answer) > max_words:
            return "answer_too_long"
        words = [(0, i) for i in inside]
        words += [(1, j) for j in _content(empty[1], signs[1], range(first, last + 1))]
        score = _score(words, {link: alignment.trust[link] for link in own_links})
        if score < MIN_SCORE:
            return "unknown_word"
        return SpanPair(
            source_start=source.offsets[span.first][0],
            source_end=source.offsets[span.end - 1][1],
            target_start=start,
            target_end=end,
            label=span.label,
            score=round(score, 4),
            confidence=span.confidence,
        )

    return [counterpart(span) for span in spans]


def _score(words: Sequence[tuple[int, int]], links: Mapping[Link, float]) -> float:
    """The mean trust in the best link of each word, a (side, position)."""
    best: dict[tuple[int, int], float] = {}
    for (i, j), trust in links.items():
        for word in ((0, i), (1, j)):
            best[word] = max(trust, best.get(word, 0.0))
    return sum(best.get(word, 0.0) for word in words) / len(words)


def _beside(words: Sequence[str], first: int, last: int, settled: Container[int]) -> list[str]:
    """The words before `first` and after `last`, if there are any and they are not settled."""
    places = (first - 1, last + 1)
    return [words[n] for n in places if 0 <= n < len(words) and n not in settled]


def _content(empty: Container[int], signs: Container[int], places: range) -> list[int]:
    """Words that are neither punctuation nor function words; else those that are the latter."""
    return _without(empty, places) or _without(signs, places)


def _without(left_out: Container[int], places: range) -> list[int]:
    return [place for place in places if place not in left_out]
