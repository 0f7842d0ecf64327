"""A random choice of examples from a prepared corpus, read a window at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clism_ray.corpus.intake import Split
from clism_ray.corpus.manifest import Manifest, Window, windows
from clism_ray.corpus.rows import read_rows
from clism_ray.corpus.storage import Location
from clism_ray.errors import InputError
from clism_ray.randomness import Use, generator
from clism_ray.records import AlignedPair, SpanPair

Parts = tuple[str, str, str]  # before, inside, after


class Pointed(NamedTuple):
    """One span of a pair: a question and its answer."""

    pair: AlignedPair
    span: SpanPair

    @property
    def source(self) -> Parts:
        """The source, cut at the span."""
        return _cut(self.pair.source, self.span.source_start, self.span.source_end)

    @property
    def target(self) -> Parts:
        """The target, cut at the answer."""
        return _cut(self.pair.target, self.span.target_start, self.span.target_end)

    def described(self) -> list[str]:
        """Language pair, label, score, confidence if it is not whole, and where it stands."""
        pair, span = self
        corpus, file, line = pair.origin
        sure = [f"confidence {span.confidence:.2f}"] if span.confidence < 1 else []
        name = f"{pair.source_language}-{pair.target_language}"
        return [name, span.label, f"score {span.score:.2f}", *sure, f"{corpus} {file}:{line}"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which examples may be chosen; None allows all."""

    split: Split = "train"
    language: str | None = None  # a language of the pair, or the pair: "de", "en-de"
    label: str | None = None
    min_score: float = 0.0


def choose(
    corpus: Location, manifest: Manifest, wanted: Wanted, number: int, seed: int
) -> list[Pointed]:
    """Up to `number` examples of different pairs; fewer if there are no more.

    Rows stand in hash order, so one window is a fair sample and mostly enough: windows are read
    in random order until there are as many as asked for. Raises InputError, naming what there is,
    if nothing fits.
    """
    _check_language(corpus, manifest, wanted.language)
    found: list[Pointed] = []
    met: dict[str, _Met] = {}
    for pair, random in shuffled(corpus, windows(getattr(manifest, wanted.split)), seed):
        if not _speaks(pair, wanted.language):
            continue
        for span in pair.spans:
            count, best = met.get(span.label, _Met(0, 0.0))
            met[span.label] = _Met(count + 1, max(best, span.score))
        fitting = [span for span in pair.spans if _fits(span, wanted)]
        if fitting:
            found.append(Pointed(pair, one_of(fitting, random)))
        if len(found) == number:
            break
    if not found:
        raise InputError(f"{corpus}: {_why_nothing(wanted, met)}")
    return found


class _Met(NamedTuple):
    """The spans of one label that were read."""

    spans: int
    best: float  # highest score


def _why_nothing(wanted: Wanted, met: Mapping[str, _Met]) -> str:
    among = f"{wanted.split} pairs" + (f" of {wanted.language}" if wanted.language else "")
    if not met:
        return f"there are no {among}; try the other --split"
    if wanted.label is not None and wanted.label not in met:
        known = ", ".join(f"{label} ({met[label].spans:,})" for label in sorted(met))
        return f"no span of the {among} has the label {wanted.label!r}; there are: {known}"
    label, those = "", list(met.values())
    if wanted.label is not None:
        label, those = f"{wanted.label} ", [met[wanted.label]]
    return (
        f"no {label}span of the {among} has a score of {wanted.min_score:g} or more; "
        f"the highest is {max(entry.best for entry in those):.4g}"
    )


def shuffled(
    corpus: Location, places: Sequence[Window], seed: int
) -> Iterator[tuple[AlignedPair, float]]:
    """All pairs of some windows in random order, window by window, each with a random number."""
    for number in generator(Use.SHOWN, seed).permutation(len(places)).tolist():
        place = places[number]
        random = generator(Use.SHOWN, seed, index=1 + number)
        order = random.permutation(place.rows).tolist()
        yield from zip(read_rows(corpus, place, order), random.random(place.rows), strict=True)


def one_of(spans: Sequence[SpanPair], random: float) -> SpanPair:
    """The span that a random number from 0 to 1 falls on."""
    return spans[int(random * len(spans))]


def _check_language(corpus: Location, manifest: Manifest, language: str | None) -> None:
    known = any(
        language == pair or pair.startswith(f"{language}-") or pair.endswith(f"-{language}")
        for pair in manifest.language_pairs
    )
    if language is not None and not known:
        raise InputError(
            f"{corpus}: no pair is of the language {language!r}; "
            f"there are: {', '.join(manifest.language_pairs)}"
        )


def _speaks(pair: AlignedPair, language: str | None) -> bool:
    source, target = pair.source_language, pair.target_language
    return language is None or language in (source, target, f"{source}-{target}")


def _fits(span: SpanPair, wanted: Wanted) -> bool:
    # Shards hold float32, as training compares them.
    sure = np.float32(span.score) >= np.float32(wanted.min_score)
    return wanted.label in (None, span.label) and bool(sure)


def _cut(text: str, start: int, end: int) -> Parts:
    return text[:start], text[start:end], text[end:]
