"""How good word links and projected spans are, by gold links.

Everything is counted per sentence pair, and scores are functions of sums of those counts, so that
intervals can be had by drawing sentences anew.

The gold counterpart of a source span runs from the first to the last target token with a sure link
to it. It decides nothing, and the span is not scored, where

- `none`: no token of the span has a sure link;
- `not_contiguous`: a token of the counterpart has a sure link out of the span;
- `open`: a token of the span has possible links alone, and they lead out of the counterpart, so
  that people left open where it ends ("Mr. Speaker": only "Mr." - "monsieur" is sure).
"""

from collections.abc import Sequence, Set
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clism_ray.corpus.gold import GoldPair
from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import Offsets

Floats: TypeAlias = NDArray[np.float64]
Undecided: TypeAlias = Literal["none", "not_contiguous", "open"]

LINK_COUNTS = ("found", "sure", "found_sure", "found_possible")
SPAN_COUNTS = ("answered", "decided", "right", "answered_undecided")


def tokens_of_words(tokens: Sequence[Offsets], words: Sequence[Offsets]) -> list[int | None]:
    """The token in which each word begins; None between tokens. Both in order."""
    found: list[int | None] = []
    at = 0
    for start, _ in words:
        while at < len(tokens) and tokens[at][1] <= start:
            at += 1
        found.append(at if at < len(tokens) and tokens[at][0] <= start else None)
    return found


def whole_tokens(first: int, end: int, tokens: Sequence[int | None]) -> tuple[int, int] | None:
    """Words first .. end - 1 as tokens first .. end - 1; None if they are not whole tokens."""
    start, last = tokens[first], tokens[end - 1]
    cut_before = first > 0 and tokens[first - 1] == start
    cut_after = end < len(tokens) and tokens[end] == last
    if start is None or last is None or cut_before or cut_after:
        return None
    return start, last + 1


def counterpart(pair: GoldPair, first: int, end: int) -> Offsets | Undecided:
    """The characters of the gold counterpart of source tokens first .. end - 1."""
    linked = {j for i, j in pair.sure if first <= i < end}
    if not linked:
        return "none"
    low, high = min(linked), max(linked)
    if any(low <= j <= high and not first <= i < end for i, j in pair.sure):
        return "not_contiguous"
    surely_linked = {i for i, _ in pair.sure}
    for i, j in pair.possible:
        if first <= i < end and i not in surely_linked and not low <= j <= high:
            return "open"
    return pair.target_tokens[low][0], pair.target_tokens[high][1]


def count_links(found: Set[Link], pair: GoldPair) -> list[int]:
    """`LINK_COUNTS` of one pair."""
    return [len(found), len(pair.sure), len(found & pair.sure), len(found & pair.possible)]


def count_spans(
    answers: Sequence[Offsets | None], truths: Sequence[Offsets | Undecided]
) -> list[int]:
    """`SPAN_COUNTS` of one pair; an answer is right if it has the very characters."""
    counts = dict.fromkeys(SPAN_COUNTS, 0)
    for answer, truth in zip(answers, truths, strict=True):
        if isinstance(truth, str):
            counts["answered_undecided"] += answer is not None
        else:
            counts["decided"] += 1
            counts["answered"] += answer is not None
            counts["right"] += answer == truth
    return list(counts.values())


def alignment_error_rate(sums: Floats) -> Floats:
    """AER (Och and Ney 2003), from sums of `LINK_COUNTS`: ... x 4 to ..."""
    found, sure, found_sure, found_possible = np.moveaxis(sums, -1, 0)
    return 1 - _quotient(found_sure + found_possible, found + sure)


def link_precision(sums: Floats) -> Floats:
    """The share of links that are possible."""
    return _quotient(sums[..., 3], sums[..., 0])


def link_recall(sums: Floats) -> Floats:
    """The share of sure links that were found."""
    return _quotient(sums[..., 2], sums[..., 1])


def span_precision(sums: Floats) -> Floats:
    """The share of answers to decided spans that are right; sums of `SPAN_COUNTS`."""
    return _quotient(sums[..., 2], sums[..., 0])


def span_recall(sums: Floats) -> Floats:
    """The share of decided spans that were answered rightly."""
    return _quotient(sums[..., 2], sums[..., 1])


def span_f1(sums: Floats) -> Floats:
    """The harmonic mean of precision and recall."""
    return _quotient(2 * sums[..., 2], sums[..., 0] + sums[..., 1])


def shown_right(sums: Floats) -> Floats:
    """The share of all answers, to undecided spans too, that are shown to be right."""
    return _quotient(sums[..., 2], sums[..., 0] + sums[..., 3])


def _quotient(part: Floats, whole: Floats) -> Floats:
    """0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part, np.float64), where=whole > 0)
