"""From the spans of source sentences to their counterparts in the targets, through word links."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.arrays import Flags, Floats, Ints, cut, flags_of, places
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.counterparts import (
    Reached,
    Runs,
    counted_words,
    extents,
    runs_of,
    to_source,
    to_target,
)
from clism_ray.corpus.links import Links
from clism_ray.corpus.sides import Side
from clism_ray.corpus.words import length_in_words
from clism_ray.records import SpanPair

Reason: TypeAlias = Literal[
    "too_many_tokens", "unknown_word", "not_linked", "not_contiguous", "answer_too_long"
]
Outcome: TypeAlias = SpanPair | Reason

MIN_SCORE = 0.05  # a projection that scores less rests on nothing that is known
CUT_SHORT = 0.3  # chosen on Chinese news: see benchmarks/README.md


class _Pairs(NamedTuple):
    """Sentence pairs, aligned, and where the links of their words lead."""

    source: Side
    target: Side
    alignment: Alignment
    links: Links  # of words that are no signs
    to_target: Reached
    to_source: Reached


def project(
    spans: Sequence[Sequence[Span]],
    source: Side,
    target: Side,
    alignment: Alignment,
    max_words: int,
) -> list[list[Outcome]]:
    """The counterpart of each span of each pair, or why it has none.

    Every word of the span must have a link, or the counterpart would lack that word; punctuation
    and, where there are others, function words need none. The counterpart runs from the first
    target word that links to the span to the last; function words at its ends do not belong to it,
    if none stands at the ends of the span. None of its words may link to a source word outside the
    span, which makes the pair consistent in both directions, and counterparts of disjoint spans
    disjoint. Links of punctuation do not count.
    In scripts without spaces a character without a link next to the counterpart may belong to
    its last word: such a span is not linked well enough. If the sample gives a character there to a
    word of the span, with a trust of `CUT_SHORT`, and the counterpart lacks it, the span is not
    contiguous: 国 alone is not "China" if 中 is before it.

    Score: over the words of both sides without punctuation and, where others are left, function
    words, the mean of the trust in the best link of each; 0 for words without a link. With a
    score below `MIN_SCORE` the span is refused as unknown_word.
    """
    pair_S, asked = runs_of(spans, source)
    pairs = _pairs(source, target, alignment)
    is_missing_S, is_unknown_S = _missing(asked, pairs)
    answers = _answers(asked, pairs)
    reason_S = np.where(is_unknown_S, "unknown_word", "not_linked").astype(object)
    score_S = np.zeros(len(pair_S))

    linked = np.flatnonzero(~is_missing_S & (answers.end_R > 0))
    spans_R, answers_R, pair_R = asked.where(linked), answers.where(linked), pair_S[linked]
    is_loose_R, is_cut_R = _beside(spans_R, answers_R, pair_R, pairs)
    score_S[linked] = _scores(spans_R, answers_R, pairs)
    reason_S[linked] = np.select(
        [
            _is_apart(spans_R, answers_R, pairs),
            is_loose_R,
            is_cut_R,
            _is_long(answers_R, pair_R, target, max_words),
            score_S[linked] < MIN_SCORE,
        ],
        ["not_contiguous", "not_linked", "not_contiguous", "answer_too_long", "unknown_word"],
        "",
    )
    outcomes: list[Outcome] = reason_S.tolist()
    flat = [span for of_pair in spans for span in of_pair]
    kept = np.flatnonzero(reason_S == "")
    source_ends, target_ends = _ends(asked.where(kept), source), _ends(answers.where(kept), target)
    for n, score, start, end, target_start, target_end in zip(
        kept.tolist(), score_S[kept].tolist(), *source_ends, *target_ends, strict=True
    ):
        outcomes[n] = SpanPair(
            source_start=start,
            source_end=end,
            target_start=target_start,
            target_end=target_end,
            label=flat[n].label,
            score=round(score, 4),
            confidence=flat[n].confidence,
        )
    return cut(outcomes, np.cumsum([0, *map(len, spans)]))


def _ends(runs: Runs, side: Side) -> tuple[list[int], list[int]]:
    """Where runs begin and end in their texts."""
    return side.start_W[runs.first_R].tolist(), side.end_W[runs.end_R - 1].tolist()


def _pairs(source: Side, target: Side, alignment: Alignment) -> _Pairs:
    links = alignment.links
    of_signs = alignment.of_source.is_sign_W, alignment.of_target.is_sign_W
    links = links.where(~(of_signs[0][links.source_L] | of_signs[1][links.target_L]))
    there, back = to_target(links, len(of_signs[0])), to_source(links, len(of_signs[1]))
    return _Pairs(source, target, alignment, links, there, back)


def _missing(spans: Runs, pairs: _Pairs) -> tuple[Flags, Flags]:
    """Whether a span has a word without link, and one that nothing is known to translate.

    Of the latter not even a sign is linked to it.
    """
    span_V, word_V = counted_words(spans, pairs.alignment.of_source)
    is_linked_W = flags_of(pairs.alignment.links.source_L, len(pairs.source.words_W))
    is_missing_V = ~pairs.to_target.is_linked_W[word_V]
    is_known_V = is_linked_W[word_V] | (pairs.alignment.of_source.entry_W[word_V] >= 0)
    number = len(spans.first_R)
    is_missing_S = flags_of(span_V[is_missing_V], number)
    return is_missing_S, flags_of(span_V[is_missing_V & ~is_known_V], number)


def _answers(spans: Runs, pairs: _Pairs) -> Runs:
    """From the first to the last target word that a span links to; ending at 0 if there is none."""
    lowest_S, highest_S = extents(spans, pairs.to_target)
    is_content_W = pairs.alignment.of_source.is_content_W
    is_to_content_L = pairs.alignment.of_target.is_content_W[pairs.links.target_L]
    to_content = to_target(pairs.links.where(is_to_content_L), len(is_content_W))
    lower_S, upper_S = extents(spans, to_content)
    is_bare_S = is_content_W[spans.first_R] & is_content_W[spans.end_R - 1] & (upper_S >= 0)
    first_S = np.where(is_bare_S, lower_S, lowest_S)
    return Runs(first_S, np.where(is_bare_S, upper_S, highest_S) + 1)


def _is_apart(spans: Runs, answers: Runs, pairs: _Pairs) -> Flags:
    """Whether words of an answer link to others than those of its span."""
    lowest_R, highest_R = extents(answers, pairs.to_source)
    return (lowest_R < spans.first_R) | (highest_R >= spans.end_R)


def _beside(spans: Runs, answers: Runs, pair_R: Ints, pairs: _Pairs) -> tuple[Flags, Flags]:
    """Whether a character without spaces beside an answer is not linked, or may belong to it.

    B: answers that have one before them, or behind.
    """
    of_source, of_target = pairs.alignment.of_source, pairs.alignment.of_target
    is_loose_R, is_cut_R = np.zeros((2, len(pair_R)), np.bool_)
    for place_R, is_there_R in (
        (answers.first_R - 1, answers.first_R > pairs.target.first_P1[pair_R]),
        (answers.end_R, answers.end_R < pairs.target.first_P1[pair_R + 1]),
    ):
        runs = np.flatnonzero(is_there_R)
        runs = runs[of_target.is_unspaced_W[place_R[runs]]]
        place_B = place_R[runs]
        is_linked_B = pairs.to_source.is_linked_W[place_B] | of_target.is_sign_W[place_B]
        is_loose_R[runs[~is_linked_B]] = True
        run_V, word_V = places(*answers.where(runs))
        is_same_V = of_target.number_W[word_V] == of_target.number_W[place_B][run_V]
        has_it_B = flags_of(run_V[is_same_V], len(runs))
        run_V, word_V = counted_words(spans.where(runs), of_source)
        entries_V = of_source.entry_W[word_V], of_target.entry_W[place_B][run_V]
        is_given_V = pairs.alignment.lexicon.trust(*entries_V) >= CUT_SHORT
        is_cut_R[runs[run_V[is_given_V & ~has_it_B[run_V]]]] = True
    return is_loose_R, is_cut_R


def _is_long(answers: Runs, pair_R: Ints, target: Side, max_words: int) -> Flags:
    """Whether an answer has over `max_words` words, as `length_in_words` counts."""
    number_R = answers.end_R - answers.first_R
    is_long_R = number_R > max_words  # a text is never longer than its number of words
    for run in np.flatnonzero(is_long_R).tolist():
        start, end = target.start_W[answers.first_R[run]], target.end_W[answers.end_R[run] - 1]
        answer = target.texts[pair_R[run]][start:end]
        is_long_R[run] = length_in_words(answer, int(number_R[run])) > max_words
    return is_long_R


def _scores(spans: Runs, answers: Runs, pairs: _Pairs) -> Floats:
    """The mean of the trust in the best link of each word that counts, of both sides."""
    of_spans = counted_words(spans, pairs.alignment.of_source)
    of_answers = counted_words(answers, pairs.alignment.of_target)
    run_V = np.concatenate([of_spans[0], of_answers[0]])
    trust_V = np.concatenate(
        [pairs.to_target.trust_W[of_spans[1]], pairs.to_source.trust_W[of_answers[1]]]
    )
    number = len(spans.first_R)
    return np.bincount(run_V, trust_V, number) / np.bincount(run_V, minlength=number)
