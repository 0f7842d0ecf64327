"""Informative n-grams: runs of words that begin and end with a rare one. No model, any language.

A word's rarity is its inverse frequency in the corpus, on a logarithmic scale from 0 to 1: with f
occurrences among N running words, ln(N / f) / ln N. Function words stand below 0.4 in a corpus of
a million words, one that was seen once has 1. Of the n-grams of a sentence a few are taken, in an
order that its text alone decides: every n-gram is as likely as any other, on every machine.
"""

import math
from collections.abc import Container, Mapping, Sequence
from hashlib import blake2b
from random import Random

from clism_ray.config_corpus import NgramConfig
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.words import Offsets, is_punctuation, length_in_words

NGRAM = "ngram"
_JOINTS = frozenset("-'’")  # within a word if no space stands around them


def rarity(word: str, frequency: Mapping[str, int], total: int) -> float:
    """From 0, for a word that is all of the corpus, to 1, for one it has once or never."""
    seen = frequency.get(word.lower(), 0)
    return 1.0 if seen <= 1 else math.log(total / seen) / math.log(total)


def ngrams_in(
    text: str,
    offsets: Sequence[Offsets],
    frequency: Mapping[str, int],
    total: int,
    stop_words: Container[str],
    config: NgramConfig,
) -> list[Span]:
    """At most `per_sentence` n-grams of 1 to `max_words` words, disjoint, in order.

    Words are counted as by `length_in_words`: in Chinese an n-gram has up to twice the characters.
    They hold no punctuation and do not end inside "didn't" or "rock-solid"; their first and their
    last word are no stop words and have at least `min_rarity`. Confidence: the mean rarity of
    their words.
    """
    tokens = [text[start:end] for start, end in offsets]
    rarities = [rarity(token, frequency, total) for token in tokens]
    is_sign = [is_punctuation(token) for token in tokens]
    is_rim = [
        not sign and rare >= config.min_rarity and token.lower() not in stop_words
        for token, rare, sign in zip(tokens, rarities, is_sign, strict=True)
    ]
    candidates = []
    for first in (first for first, fits in enumerate(is_rim) if fits):
        if _is_joined(text, offsets[first][0] - 2, offsets[first][0] - 1):
            continue
        for end in range(first + 1, len(tokens) + 1):
            length = length_in_words(text[offsets[first][0] : offsets[end - 1][1]], end - first)
            if is_sign[end - 1] or length > config.max_words:
                break
            if is_rim[end - 1] and not _is_joined(
                text, offsets[end - 1][1] + 1, offsets[end - 1][1]
            ):
                candidates.append((first, end))
    random = Random(blake2b(text.encode(), digest_size=8).digest())  # noqa: S311 - no secret
    order = sorted((random.random(), place) for place in candidates)
    chosen: list[Span] = []
    for _, (first, end) in order:
        if len(chosen) == config.per_sentence:
            break
        if all(end <= span.first or span.end <= first for span in chosen):
            mean = sum(rarities[first:end]) / (end - first)
            chosen.append(Span(first, end, NGRAM, round(mean, 4)))
    return sorted(chosen)


def _is_joined(text: str, beyond: int, joint: int) -> bool:
    """Whether the character at `joint` ties the one beyond it, away from an n-gram, to that."""
    inside = 0 <= beyond < len(text)
    return inside and text[joint] in _JOINTS and text[beyond].isalnum()
