"""From the spans of a source sentence to their counterparts in the target, through word links."""

from collections.abc import Collection, Mapping, Sequence
from operator import or_
from typing import Literal, TypeAlias

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import Side, is_punctuation, is_unspaced, length_in_words
from clism_ray.records import SpanPair

Reason: TypeAlias = Literal[
    "too_many_tokens", "unknown_word", "not_linked", "not_contiguous", "answer_too_long"
]

_Outcome: TypeAlias = SpanPair | Reason  # by a name, or each call would put it together
_Trust: TypeAlias = dict[int, dict[int, float]]  # word -> words of the other side -> trust

MIN_SCORE = 0.05  # a projection that scores less rests on nothing that is known
CUT_SHORT = 0.3  # chosen on Chinese news: see benchmarks/README.md


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
    its last word: such a span is not linked well enough. If the sample gives a character there to a
    word of the span, with a trust of `CUT_SHORT`, and the counterpart lacks it, the span is not
    contiguous: 国 alone is not "China" if 中 is before it.

    Score: over the words of both sides without punctuation and, where others are left, function
    words, the mean of the trust in the best link of each; 0 for words without a link. With a
    score below `MIN_SCORE` the span is refused as unknown_word.
    """
    signs = [_signs(side.words) for side in (source, target)]
    empty = [
        list(map(or_, flags, function_words)) if function_words else flags
        for flags, function_words in zip(signs, alignment.function_words, strict=True)
    ]
    to_target, to_source = _by_word(alignment.trust, *signs)

    def counterpart(span: Span) -> _Outcome:
        inside = _content(empty[0], signs[0], range(span.first, span.end))
        if missing := [i for i in inside if i not in to_target]:
            return "unknown_word" if _is_any_unknown(missing, source, alignment) else "not_linked"
        linked = {j for i in range(span.first, span.end) for j in to_target.get(i, ())}
        if not linked:
            return "not_linked"
        if not (empty[0][span.first] or empty[0][span.end - 1]):
            linked = {j for j in linked if not empty[1][j]} or linked
        first, last = min(linked), max(linked)
        answer = range(first, last + 1)
        sources = [i for j in answer for i in to_source.get(j, ())]
        if min(sources) < span.first or max(sources) >= span.end:
            return "not_contiguous"
        beside = _unspaced_beside(target.words, first, last)
        if any(place not in to_source and not signs[1][place] for place in beside):
            return "not_linked"
        lacking = {target.words[n] for n in beside}.difference(target.words[first : last + 1])
        if lacking and _do_any_translate(lacking, [source.words[i] for i in inside], alignment):
            return "not_contiguous"
        start, end = target.offsets[first][0], target.offsets[last][1]
        if (
            len(answer) > max_words  # a text is never longer than its number of words
            and length_in_words(target.text[start:end], len(answer)) > max_words
        ):
            return "answer_too_long"
        best = [max(to_target[i].values()) for i in inside]
        best += [
            max(to_source.get(j, {}).values(), default=0.0)
            for j in _content(empty[1], signs[1], answer)
        ]
        score = sum(best) / len(best)
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


def _signs(words: Sequence[str]) -> list[bool]:
    """Whether each word is punctuation."""
    # The first is faster, and mostly decides.
    return [not word.isalnum() and is_punctuation(word) for word in words]


def _by_word(
    trust: Mapping[Link, float], source_signs: Sequence[bool], target_signs: Sequence[bool]
) -> tuple[_Trust, _Trust]:
    """The links of the words of either side, without those of punctuation."""
    to_target: _Trust = {}
    to_source: _Trust = {}
    for (i, j), value in trust.items():
        if not (source_signs[i] or target_signs[j]):
            to_target.setdefault(i, {})[j] = value
            to_source.setdefault(j, {})[i] = value
    return to_target, to_source


def _is_any_unknown(places: Sequence[int], source: Side, alignment: Alignment) -> bool:
    """Whether nothing is known to translate one of these words, and nothing links to it either."""
    linked = {i for i, _ in alignment.trust}
    return any(i not in linked and alignment.known(source.words[i].lower()) is None for i in places)


def _do_any_translate(
    characters: Collection[str], words: Sequence[str], alignment: Alignment
) -> bool:
    """Whether the sample gives any of these characters to one of these words."""
    known = [alignment.known(word.lower()) or {} for word in words]
    return any(each.get(one.lower(), 0.0) >= CUT_SHORT for each in known for one in characters)


def _unspaced_beside(words: Sequence[str], first: int, last: int) -> list[int]:
    """Which of the places before `first` and after `last` hold characters without spaces."""
    return [n for n in (first - 1, last + 1) if 0 <= n < len(words) and is_unspaced(words[n])]


def _content(empty: Sequence[bool], signs: Sequence[bool], places: range) -> list[int]:
    """Words that are neither punctuation nor function words; else those that are the latter."""
    return [place for place in places if not empty[place]] or [
        place for place in places if not signs[place]
    ]
