"""Aligners against gold links: fit, count, and draw intervals.

The gold sentences are fitted together with training pairs, as a corpus is with itself; an encoder
is not fitted at all.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from heapq import heappush, heappushpop
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from clism_ray.config_alignment import GoldFiles, ScoreAlignersConfig
from clism_ray.config_corpus import CorpusFiles, Method, NeuralConfig
from clism_ray.corpus import alignment_scores as scores
from clism_ray.corpus import eflomal, tables
from clism_ray.corpus.alignment_counts import Counts, count
from clism_ray.corpus.clean import cleaned, drop_reason
from clism_ray.corpus.gold import GoldPair, read_gold, synthetic_gold
from clism_ray.corpus.intake import key
from clism_ray.corpus.linker import Linker
from clism_ray.corpus.read import Unreadable, read_pairs
from clism_ray.errors import InputError
from clism_ray.report.alignment_cost import Spent, linking, spent
from clism_ray.tasks.statistics import Estimate, Score, resample

METRICS: dict[str, tuple[str, Score]] = {  # metric -> what is counted, and what is made of it
    "aer": ("links", scores.alignment_error_rate),
    "link_precision": ("links", scores.link_precision),
    "link_recall": ("links", scores.link_recall),
    "names_precision": ("names", scores.span_precision),
    "names_recall": ("names", scores.span_recall),
    "names_f1": ("names", scores.span_f1),
    "names_shown_right": ("names", scores.shown_right),
    "ngrams_precision": ("ngrams", scores.span_precision),
    "ngrams_recall": ("ngrams", scores.span_recall),
    "ngrams_f1": ("ngrams", scores.span_f1),
}

PairT = TypeVar("PairT")
LoadEncoder: TypeAlias = Callable[[NeuralConfig, str | None], Linker]
"""(settings, device) -> the encoder as a linker."""


class GoldSet(NamedTuple):
    """What aligners are scored on."""

    name: str
    pairs: list[GoldPair]
    tuned_on: list[bool]  # of each pair, whether settings were chosen by it
    training: list[tuple[str, str]]


class Point(NamedTuple):
    """Names and numbers, if only projections of at least a score are taken."""

    min_score: float
    answered: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one aligner on one gold set, or on the part that settings were chosen by."""

    gold: str
    tuned_on: bool
    method: Method
    sentences: int
    unread: int  # of them, that the aligner could not read
    names: int  # decided spans
    ngrams: int
    fit: Spent  # of the gold set and its training pairs; an encoder's: words are counted
    link: Spent
    estimates: dict[str, Estimate]  # of `METRICS`
    curve: tuple[Point, ...]


def score_aligners(
    config: ScoreAlignersConfig, load_encoder: LoadEncoder | None = None
) -> Iterator[Row]:
    """A row for each aligner, gold set and part of it, when it is known; all in one process.

    `load_encoder` opens the encoder for the method neural, which takes PyTorch; whoever may be
    asked for that method gives it.
    """
    if "eflomal" in config.methods:
        eflomal.check_installed()
    encoder = None
    if config.neural is not None:
        assert load_encoder is not None, "nobody handed in how to load an encoder"
        encoder = load_encoder(config.neural, config.device)
    for gold in _gold_sets(config):
        for method in config.methods:
            texts = [(pair.source, pair.target) for pair in gold.pairs]
            sample = [*texts, *gold.training][: config.fit_pairs]
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "tables"
                _, fit = spent(
                    len(sample), partial(tables.fit, sample, folder, config.iterations, method)
                )
                known = tables.open_tables(folder, encoder)
                counts = count(known, gold.pairs, config.spans)
                costs = fit, linking(known, sample[: config.cost_pairs])
            for tuned_on in sorted(set(gold.tuned_on), reverse=True):
                yield _row(config, gold, method, counts, tuned_on, costs)
                print(f"{gold.name}, {method}: scored", file=sys.stderr, flush=True)


def _gold_sets(config: ScoreAlignersConfig) -> list[GoldSet]:
    sets = []
    for files in config.gold:
        pairs = read_gold(files)
        if strays := sum(pair.stray_links for pair in pairs):
            print(
                f"{files.name}: {strays} links left out, to tokens that the sentences do not have",
                file=sys.stderr,
            )
        training = _training_pairs(files, config)
        sets.append(GoldSet(files.name, pairs, _tuned_on(files, len(pairs)), training))
    for language in config.synthetic.languages if config.synthetic else ():
        assert config.synthetic is not None
        scored, others = synthetic_gold(config.synthetic, language)
        training = [(pair.source, pair.target) for pair in others]
        name = f"synthetic en-{language}"
        sets.append(GoldSet(name, scored, [True] * len(scored), training))
    return sets


def _tuned_on(files: GoldFiles, pairs: int) -> list[bool]:
    if files.tuned_on == "even":
        return [place % 2 == 0 for place in range(pairs)]
    return [files.tuned_on == "all"] * pairs


def _training_pairs(files: GoldFiles, config: ScoreAlignersConfig) -> list[tuple[str, str]]:
    """Different usable pairs, in the order of their keys, as preparation chooses its sample.

    No more of them than can be fitted on.
    """
    usable = chain.from_iterable(_usable(corpus, config) for corpus in files.training)
    return lowest(usable, config.fit_pairs)


def lowest(pairs: Iterable[tuple[int, PairT]], most: int) -> list[PairT]:
    """What belongs to the lowest keys, each once and in their order; `most` are held at a time."""
    kept: dict[int, PairT] = {}
    highest: list[int] = []  # a heap of their keys, the highest first
    for number, pair in pairs:
        if number in kept or (len(kept) == most and number > -highest[0]):
            continue
        kept[number] = pair
        if len(kept) > most:
            del kept[-heappushpop(highest, -number)]
        else:
            heappush(highest, -number)
    return [kept[number] for number in sorted(kept)]


def _usable(
    corpus: CorpusFiles, config: ScoreAlignersConfig
) -> Iterator[tuple[int, tuple[str, str]]]:
    languages = corpus.source_language, corpus.target_language
    is_empty = True
    for entry in read_pairs(corpus):
        if isinstance(entry, Unreadable):
            continue
        source, target = (cleaned(text, config.cleaning) for text in (entry.source, entry.target))
        if drop_reason(source, target, languages, config.cleaning) is None:
            is_empty = False
            yield key(*languages, source, target), (source, target)
    if is_empty:
        raise InputError(f"{corpus.path}: no usable sentence pairs to fit on")


def _row(
    config: ScoreAlignersConfig,
    gold: GoldSet,
    method: Method,
    counts: Counts,
    tuned_on: bool,
    costs: tuple[Spent, Spent],
) -> Row:
    part = np.array(gold.tuned_on) == tuned_on
    of_names = [np.array(per_pair)[part] for per_pair in counts.names]
    counted = {
        "links": np.array(counts.links)[part],
        "names": of_names[0],
        "ngrams": np.array(counts.ngrams)[part],
    }
    estimates = {
        metric: resample(
            {method: {gold.name: counted[of][None]}},
            score,
            resamples=config.resamples,
            confidence=config.confidence,
        ).estimate(method, gold.name)
        for metric, (of, score) in METRICS.items()
    }
    curve = tuple(
        Point(
            min_score,
            int(sums[0]),
            float(scores.span_precision(sums)),
            float(scores.span_recall(sums)),
        )
        for min_score, per_pair in zip(config.spans.min_scores, of_names, strict=True)
        for sums in [per_pair.sum(0)]
    )
    return Row(
        gold=gold.name,
        tuned_on=tuned_on,
        method=method,
        sentences=int(part.sum()),
        unread=int(np.array(counts.unread)[part].sum()),
        names=int(counted["names"][:, 1].sum()),
        ngrams=int(counted["ngrams"][:, 1].sum()),
        fit=costs[0],
        link=costs[1],
        estimates=estimates,
        curve=curve,
    )
