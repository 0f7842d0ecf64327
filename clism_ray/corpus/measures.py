"""What the rows of a prepared corpus look like: lengths, labels, scores, frequent spans.

Measured on windows spread evenly over the corpus, so that time and memory do not grow with it;
rows stand in hash order, so these are a fair sample. One window is held at a time.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from clism_ray.corpus.manifest import Manifest, Window, windows
from clism_ray.corpus.rows import read_rows
from clism_ray.corpus.words import length_in_words, words
from clism_ray.records import AlignedPair

SCORE_BINS = 20  # of equal width, from 0 to 1
_ROWS = 30_000  # that are looked at: about three seconds on a core


@dataclass(kw_only=True)
class Measures:
    """Counts over the pairs of one language pair, each of which has a span or more."""

    pairs: int = 0
    source_words: Counter[int] = field(default_factory=Counter)  # length in words -> pairs
    target_words: Counter[int] = field(default_factory=Counter)
    span_words: Counter[int] = field(default_factory=Counter)  # length -> spans
    answer_words: Counter[int] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)  # label -> spans
    scores: Counter[int] = field(default_factory=Counter)  # bin of the score -> spans
    confidences: Counter[int] = field(default_factory=Counter)
    projections: Counter[tuple[str, str]] = field(default_factory=Counter)  # (span, answer)

    @property
    def spans(self) -> int:
        """How many spans all pairs have together."""
        return self.labels.total()


def measure_windows(folder: Path, places: Iterable[Window]) -> dict[str, Measures]:
    """Measures of the rows of some windows, by language pair."""
    return measure(
        pair for window in places for pair in read_rows(folder, window, range(window.rows))
    )


def sample(manifest: Manifest, most: int = _ROWS) -> list[Window]:
    """Windows of train and dev, at even distances, of about `most` rows; all if there are fewer."""
    places = [*windows(manifest.train), *windows(manifest.dev)]
    total = sum(place.rows for place in places)
    if total <= most:
        return places
    number = max(1, len(places) * most // total)
    return [places[n * len(places) // number] for n in range(number)]


def measure(pairs: Iterable[AlignedPair]) -> dict[str, Measures]:
    """Measures by language pair, in the order of their names."""
    found: dict[str, Measures] = {}
    for pair in pairs:
        name = f"{pair.source_language}-{pair.target_language}"
        _add(found.setdefault(name, Measures()), pair)
    return dict(sorted(found.items()))


def quantile(counts: Counter[int], share: float) -> int | None:
    """The smallest value that at least `share` of the counted do not exceed; None of none."""
    reached, total = 0, counts.total()
    for value in sorted(counts):
        reached += counts[value]
        if reached >= share * total:
            return value
    return None


def shares_from(counts: Counter[int], bins: int = SCORE_BINS) -> list[float]:
    """For each bin, the share of all that is in it or in a higher one."""
    total, above = counts.total(), 0
    shares = []
    for number in reversed(range(bins)):
        above += counts[number]
        shares.append(above / total)
    return shares[::-1]


def _add(found: Measures, pair: AlignedPair) -> None:
    source, target = _Text(pair.source), _Text(pair.target)
    found.pairs += 1
    found.source_words[source.words(0, len(pair.source))] += 1
    found.target_words[target.words(0, len(pair.target))] += 1
    for span in pair.spans:
        asked, answer = span[:2], span[2:4]
        found.span_words[source.words(*asked)] += 1
        found.answer_words[target.words(*answer)] += 1
        found.labels[span.label] += 1
        found.scores[_bin(span.score)] += 1
        found.confidences[_bin(span.confidence)] += 1
        found.projections[pair.source[slice(*asked)], pair.target[slice(*answer)]] += 1


class _Text:
    """A text whose words are found once."""

    def __init__(self, text: str) -> None:
        self.text, self.offsets = text, words(text)

    def words(self, start: int, end: int) -> int:
        """How many stand in a run of characters, by `length_in_words`."""
        first, last = (bisect_left(self.offsets, (place, 0)) for place in (start, end))
        return round(length_in_words(self.text[start:end], last - first))


def _bin(score: float) -> int:
    # Shards hold float32: 0.9 of them reads as 0.89999998, and is of the bin that begins there.
    return min(SCORE_BINS - 1, max(0, int(round(score * SCORE_BINS, 4))))
