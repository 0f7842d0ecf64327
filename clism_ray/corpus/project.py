"""From the spans of a source sentence to their counterparts in the target, through word links."""

from collections.abc import Collection, Container, Sequence
from typing import Literal, TypeAlias

from clism_ray.corpus.align import Link
from clism_ray.corpus.spans import Span
from clism_ray.corpus.words import Offsets, is_punctuation, length_in_words
from clism_ray.records import SpanPair

Reason: TypeAlias = Literal["unknown_word", "not_linked", "not_contiguous", "answer_too_long"]


def project(
    span: Span,
    texts: tuple[str, str],
    words: tuple[Sequence[Offsets], Sequence[Offsets]],
    links: Collection[Link],
    max_words: int,
) -> SpanPair | Reason:
    """The counterpart of a span: the target words from its first link to its last.

    They must link to no source word outside the span, which makes the pair consistent in both
    directions; so the counterparts of disjoint spans are disjoint. Punctuation is cut from the
    ends. Score: the share of words, of both sides together and without punctuation, that are
    linked to each other.
    """
    source_words, target_words = words
    inside = range(span.first, span.end)
    content_links = {
        (i, j)
        for i, j in links
        if not _is_sign(texts[0], source_words[i]) and not _is_sign(texts[1], target_words[j])
    }
    targets = {j for i, j in content_links if i in inside}
    if not targets:
        return "not_linked"
    answer = range(min(targets), max(targets) + 1)
    if any(j in answer and i not in inside for i, j in content_links):
        return "not_contiguous"
    start, end = target_words[answer[0]][0], target_words[answer[-1]][1]
    answer_words = list(target_words[answer[0] : answer[-1] + 1])
    if (
        length_in_words(texts[1][start:end], [(a - start, b - start) for a, b in answer_words])
        > max_words
    ):
        return "answer_too_long"
    linked = len({i for i, j in content_links if i in inside}) + len(targets)
    content = sum(not _is_sign(texts[0], source_words[i]) for i in inside)
    content += sum(not _is_sign(texts[1], word) for word in answer_words)
    return SpanPair(
        source_start=source_words[span.first][0],
        source_end=source_words[span.end - 1][1],
        target_start=start,
        target_end=end,
        label=span.label,
        score=round(linked / content, 4),
    )


def is_known(
    span: Span, source_words: Sequence[str], anchored: Container[int], known: Container[str]
) -> bool:
    """Whether the links of a span rest on anything: an anchor, or a word the tables have seen.

    A word the tables never saw is put on the diagonal, which is a guess.
    """
    return any(
        i in anchored or (source_words[i].lower() in known and not is_punctuation(source_words[i]))
        for i in range(span.first, span.end)
    )


def _is_sign(text: str, word: Offsets) -> bool:
    return is_punctuation(text[word[0] : word[1]])
