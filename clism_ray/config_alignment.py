"""Settings of `jobs/score_aligners.py`: word aligners against gold links."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from clism_ray.config_corpus import CleaningConfig, CorpusFiles, Method, NeuralConfig
from clism_ray.config_types import STRICT, Fraction, Language, Name, NonNegative, Positive
from clism_ray.places import Folder


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GoldFiles:
    """Sentence pairs that people aligned; see `corpus.gold` for the formats."""

    name: Name
    format: Literal["wpt", "jsonl"]
    path: str  # plain or .gz
    links_path: str | None = None  # wpt: the links
    tuned_on: Literal["none", "even", "all"] = "none"  # lines, from 0, scored apart from the others
    training: tuple[CorpusFiles, ...] = ()  # fitted together with the sentences of `path`

    def __post_init__(self) -> None:
        if (self.format == "wpt") != (self.links_path is not None):
            raise ValueError(f"links_path goes with format wpt; got {self.links_path!r}")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SyntheticGold:
    """Pairs of `corpus.synthetic`, for each language: some to score, others to fit with them."""

    languages: tuple[Language, ...] = ("de", "es", "ru", "hi", "zh")
    seed: NonNegative = 13
    pairs: Positive = 500
    training_pairs: NonNegative = 5_000


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SpanScoring:
    """Which spans are projected: names and numbers, and n-grams drawn at random."""

    max_words: Positive = 10
    ngrams: Positive = 2  # of each sentence
    ngram_words: Positive = 4  # at most
    seed: NonNegative = 13
    min_scores: tuple[Fraction, ...] = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ScoreAlignersConfig:
    """Aligners, and the gold links they are scored on."""

    output: Folder  # for alignment.json and alignment.md
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] = ("systran",)
    neural: NeuralConfig | None = None  # given if neural is among the methods
    device: str | None = None  # of the encoder; default: a GPU if there is one
    gold: tuple[GoldFiles, ...] = ()
    synthetic: SyntheticGold | None = None
    fit_pairs: Positive = 200_000  # at most, gold and training pairs together
    iterations: Positive = 5  # of systran
    cost_pairs: Positive = 2_000  # at most, of those fitted on, that are linked to take the time
    cleaning: CleaningConfig = CleaningConfig()  # of training pairs
    spans: SpanScoring = SpanScoring()
    resamples: Positive = 2_000
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95

    def __post_init__(self) -> None:
        if not (self.gold or self.synthetic):
            raise ValueError("give gold, synthetic or both; there is nothing to score on")
        if ("neural" in self.methods) != (self.neural is not None):
            raise ValueError(
                "neural among the methods and a section neural with a model go together; "
                f"got methods {', '.join(self.methods)} and neural: {self.neural}"
            )
        if len(set(self.methods)) < len(self.methods):
            raise ValueError(f"methods: {', '.join(self.methods)} names a method twice")
        names = [entry.name for entry in self.gold]
        if len(set(names)) < len(names):
            raise ValueError(f"gold: {', '.join(names)} names a set twice")
