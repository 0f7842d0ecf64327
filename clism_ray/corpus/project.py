"""From the spans of a source sentence to their counterparts in the target, through word links."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.words import Offsets, is_punctuation, length_in_words
from clism_ray.records import SpanPair

Reason: TypeAlias = Literal["unknown_word", "not_linked", "not_contiguous", "answer_too_long"]


class Side(NamedTuple):
    """A sentence and its words."""

    text: str
    offsets: list[Offsets]
    words: list[str]


def project(
    spans: Sequence[Span], source: Side, target: Side, alignment: Alignment, max_words: int
) -> list[SpanPair | Reason]:
    """The counterpart of each span, or why it has none.

    The counterpart runs from the first target word that links to the span to the last. None of
    them may link to a source word outside the span, which makes the pair consistent in both
    directions, and counterparts of disjoint spans disjoint. Links of punctuation do not count.
    A span whose links have no evidence is refused as unknown_word (see `align.align`).

    Score: over the words of both sides without punctuation, the mean of the evidence for the
    source word that links each of them; 0 for words without a link.
    """
    is_sign = [is_punctuation(word) for word in source.words]
    is_target_sign = [is_punctuation(word) for word in target.words]
    links = [(i, j) for i, j in alignment.links if not (is_sign[i] or is_target_sign[j])]

    def counterpart(span: Span) -> SpanPair | Reason:
        inside = [i for i in range(span.first, span.end) if not is_sign[i]]
        own_links = [(i, j) for i, j in links if span.first <= i < span.end]
        if not any(alignment.evidence[i] for i in {i for i, _ in own_links} or inside):
            return "unknown_word"
        if not own_links:
            return "not_linked"
        first, last = min(j for _, j in own_links), max(j for _, j in own_links)
        if any(first <= j <= last and not span.first <= i < span.end for i, j in links):
            return "not_contiguous"
        start, end = target.offsets[first][0], target.offsets[last][1]
        answer = target.offsets[first : last + 1]
        if length_in_words(target.text[start:end], answer) > max_words:
            return "answer_too_long"
        trust = {("source", i): alignment.evidence[i] for i, _ in own_links}
        for i, j in own_links:
            trust["target", j] = max(alignment.evidence[i], trust.get(("target", j), 0.0))
        size = len(inside) + sum(not is_target_sign[j] for j in range(first, last + 1))
        return SpanPair(
            source_start=source.offsets[span.first][0],
            source_end=source.offsets[span.end - 1][1],
            target_start=start,
            target_end=end,
            label=span.label,
            score=round(sum(trust.values()) / size, 4),
            confidence=span.confidence,
        )

    return [counterpart(span) for span in spans]
