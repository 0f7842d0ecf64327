"""From the tags of a sentence's tokens to its spans, whole words each.

Tags are those of any scheme: `O`, a type, or a type behind `B-`, `I-`, `E-`, `S-`, `L-` or `U-`
(IOB1, IOB2, IOBES, BILOU, or no marks at all). A word has the tag of its first token.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from clism_ray.corpus.capitals import Span
from clism_ray.corpus.words import Offsets

OUTSIDE = "O"
_MARKED = re.compile(r"([BIESLU])-(.+)")


class WordTag(NamedTuple):
    """What a model says of a word."""

    tag: str
    probability: float
    token: int  # where the word's first token begins, -1 if it has none


def first_tokens(tokens: Sequence[Offsets], words: Sequence[Offsets]) -> list[int]:
    """The first token that holds part of each word, -1 where none does.

    Both are half-open places in the same text, in order. Special tokens stand at (0, 0), and
    some tokenizers give a token the space before it. Where no space is, SentencePiece's lone mark
    stands at the first character of the token after it, which is taken.
    """
    firsts, token = [], 0
    for start, end in words:
        while token < len(tokens) and (tokens[token][1] <= start or _is_lone_mark(tokens, token)):
            token += 1
        firsts.append(token if token < len(tokens) and tokens[token][0] < end else -1)
    return firsts


def _is_lone_mark(tokens: Sequence[Offsets], token: int) -> bool:
    """Whether a token is only the beginning of the next one."""
    following = tokens[token + 1] if token + 1 < len(tokens) else (-1, -1)
    return tokens[token][0] == following[0] and tokens[token][1] < following[1]


def spans_of(tags: Sequence[WordTag]) -> list[Span]:
    """The spans of one sentence, disjoint and in order.

    A span goes on while the type stays and no mark says that one ends or begins; words that share
    a token are never parted. Confidence: the mean probability of the words' tags.
    """
    spans: list[Span] = []
    first, kind, closed = 0, "", True

    def close(end: int) -> None:
        if kind:
            mean = sum(tag.probability for tag in tags[first:end]) / (end - first)
            spans.append(Span(first, end, kind, round(mean, 4)))

    for place, tag in enumerate(tags):
        if place and tag.token >= 0 and tag.token == tags[place - 1].token:
            continue  # a token of several words
        mark, type_ = _read(tag.tag)
        if closed or type_ != kind or mark in ("B", "S", "U"):
            close(place)
            first, kind = place, type_
        closed = mark in ("E", "S", "L", "U")
    close(len(tags))
    return spans


def _read(tag: str) -> tuple[str, str]:
    """Mark and type of a tag; no type for `O`."""
    if tag == OUTSIDE:
        return "", ""
    marked = _MARKED.fullmatch(tag)
    return (marked[1], marked[2]) if marked else ("", tag)
