"""Words that are the same on both sides, or the same number.

Names and numbers are the rarest words: aligners hardly know them, and put what they never saw on
the diagonal. Stop words and short lower-case words are no anchors: "die" is a verb in English. A
number that English spells out ("three") may be written in digits in the target.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np

from clism_ray.corpus.arrays import NOTHING, Ints, flags_of
from clism_ray.corpus.features import Features
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side
from clism_ray.corpus.stop_words import STOP_WORDS

_NUMERALS = dict(
    zip(
        """
        two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
        """.split(),
        map(str, (*range(2, 21), *range(30, 100, 10))),
        strict=True,
    )
)
_NUMBER_BITS = 32  # of a key


def anchor(word: str) -> str | None:
    """What a word must share with another to be the same; None for words that prove nothing."""
    digits = "" if word.isalpha() else _digits(word)
    has_letters = word.isalpha() or any(map(str.isalpha, word))
    if digits and not has_letters:
        return digits  # "1,000.5" is "1.000,5"
    lowered = word.casefold()
    if lowered in STOP_WORDS or not has_letters:
        return None
    distinct = digits or (word != word.lower() and len(word) > 1) or len(word) > 3
    return lowered if distinct else None


def numeral(word: str) -> str | None:
    """The digits that a lower-cased English word spells out."""
    return _NUMERALS.get(word)


def _digits(word: str) -> str:
    return "".join(str(unicodedata.digit(sign)) for sign in word if sign.isdecimal())


def anchors(source: Side, target: Side, of_source: Features, of_target: Features) -> Links:
    """Links, with a trust of 1, between the anchors of each pair.

    Anchors that stand equally often on both sides are linked in order, numbers of the same digits
    that are written alike before the others; what is left is the aligner's.
    """
    sources, targets = _in_order(source, target, of_source.anchor_W, of_target.anchor_W)
    if (of_source.numeral_W != NOTHING).any():
        numeral_W = _only_spelled_out(source, of_source)
        others = _in_order(source, target, numeral_W, of_target.anchor_W)
        sources = np.concatenate([sources, others[0]])
        targets = np.concatenate([targets, others[1]])
    return Links(sources, targets, np.ones(len(sources)))


def _only_spelled_out(source: Side, features: Features) -> Ints:
    """The numerals of words whose sentence does not have the number in digits, too."""
    _, in_digits = _keys(source, features.anchor_W)
    word_K, key_K = _keys(source, features.numeral_W)
    numeral_W = features.numeral_W.copy()
    numeral_W[word_K[np.isin(key_K, in_digits)]] = NOTHING
    return numeral_W


def _keys(side: Side, number_W: Ints) -> tuple[Ints, Ints]:
    """The words that have a number, and pair and number of each as one key."""
    word_K = np.flatnonzero(number_W != NOTHING)
    return word_K, side.text_W[word_K] << _NUMBER_BITS | number_W[word_K]


def _in_order(source: Side, target: Side, of_source: Ints, of_target: Ints) -> tuple[Ints, Ints]:
    """Words of both sides whose numbers are the same and equally often in a pair, in order."""
    source_K, key_U, times_U = _grouped(*_keys(source, of_source))
    target_K, other_U, other_times_U = _grouped(*_keys(target, of_target))
    _, shared, other_shared = np.intersect1d(
        key_U, other_U, assume_unique=True, return_indices=True
    )
    equal = times_U[shared] == other_times_U[other_shared]
    is_equal_U = flags_of(shared[equal], len(key_U))
    sources = source_K[np.repeat(is_equal_U, times_U)]
    targets = target_K[np.repeat(flags_of(other_shared[equal], len(other_U)), other_times_U)]
    times = times_U[is_equal_U]
    end = np.cumsum(times)
    several = times > 1
    for first, last in zip((end - times)[several].tolist(), end[several].tolist(), strict=True):
        these, those = sources[first:last], targets[first:last]
        targets[first:last] = _alike_first(source.words_W, target.words_W, these, those)
    return sources, targets


def _grouped(word_K: Ints, key_K: Ints) -> tuple[Ints, Ints, Ints]:
    """The words by key, those of a key in order; the keys in order, and how often each is there."""
    by_key = np.argsort(key_K, kind="stable")
    key_K = key_K[by_key]
    is_first_K = np.concatenate([[True], key_K[1:] != key_K[:-1]])[: len(key_K)]  # if there is one
    first_U = np.flatnonzero(is_first_K)
    return word_K[by_key], key_K[first_U], np.diff(first_U, append=len(key_K))


def _alike_first(
    source: Sequence[str], target: Sequence[str], sources: Ints, targets: Ints
) -> list[int]:
    """The targets of these sources: equal words, then the others in order.

    "2.0" and "20" share digits. Where letters are shared all stay in order: "ANNA" is Anna.
    """
    free: list[int] = targets.tolist()
    shared = anchor(source[sources[0]])
    if shared is None or not shared.isdecimal():
        return free
    found: dict[int, int] = {}
    for i in sources.tolist():
        same = next((j for j in free if target[j] == source[i]), None)
        if same is not None:
            free.remove(same)
            found[i] = same
    return [found[i] if i in found else free.pop(0) for i in sources.tolist()]
