"""From the spans of a source sentence to their counterparts in the target, through word links."""

from collections.abc import Container, Sequence
from typing import Literal, NamedTuple, TypeAlias

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.words import Offsets, is_punctuation, is_unspaced, length_in_words
from clism_ray.records import SpanPair

Reason: TypeAlias = Literal["unknown_word", "not_linked", "not_contiguous", "answer_too_long"]

MIN_SCORE = 0.05  # a projection that scores less rests on nothing that is known


class Side(NamedTuple):
    """A sentence and its words."""

    text: str
    offsets: list[Offsets]
    words: list[str]


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

    anywhere = signs[1].union(j for _, j in links)
    loose = {
        place
        for place, word in enumerate(target.words)
        if place not in anywhere and is_unspaced(word)
    }

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
        if any(place in loose for place in (first - 1, last + 1)):
            return "not_linked"
        start, end = target.offsets[first][0], target.offsets[last][1]
        answer = target.offsets[first : last + 1]
        if length_in_words(target.text[start:end], answer) > max_words:
            return "answer_too_long"
        trust: dict[tuple[int, int], float] = {}
        for i, j in own_links:
            for word in ((0, i), (1, j)):
                trust[word] = max(alignment.trust[i, j], trust.get(word, 0.0))
        words = [(0, i) for i in inside]
        words += [(1, j) for j in _content(empty[1], signs[1], range(first, last + 1))]
        score = sum(trust.get(word, 0.0) for word in words) / len(words)
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


def _content(empty: Container[int], signs: Container[int], places: range) -> list[int]:
    """Words that are neither punctuation nor function words; else those that are the latter."""
    return _without(empty, places) or _without(signs, places)


def _without(left_out: Container[int], places: range) -> list[int]:
    return [place for place in places if place not in left_out]
