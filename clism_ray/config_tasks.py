"""Settings of fine-tuning and evaluation. `config_file` reads them from YAML.

A *cell* is one fine-tuning: a model in one form, a size, a sample. `FinetuneConfig` describes one,
`EvaluateConfig` a grid of them.
"""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass

from clism_ray.config import (
    LengthConfig,
    OptimizerConfig,
    ScalingConfig,
    TrackingConfig,
    ZeroConfig,
)
from clism_ray.config_types import STRICT, Fraction, Language, Name, NonNegative, Positive
from clism_ray.places import Folder

_FIELDS = re.compile(r"\{(\w+)\}")

Form = Literal["question", "plain"]
Languages = Annotated[tuple[Language, ...], Field(min_length=1)]


class GoldFile(NamedTuple):
    """One file of a test set."""

    test: str  # the test set's name
    language: str  # of passages and answers, or of sentences
    question_language: str | None  # if it is another setting than the language's own (G-XLT)
    path: Path
    averaged: bool  # False: shown, but in no average

    @property
    def key(self) -> str:
        """`xquad/de`, or `mlqa/de-es` for German passages with Spanish questions."""
        return f"{self.test}/{self.column}"

    @property
    def column(self) -> str:
        """`de`, or `de-es`."""
        return "-".join(filter(None, (self.language, self.question_language)))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GoldConfig:
    """Files to test on: `{language}` and `{question_language}` in the path are filled in."""

    path: str
    languages: Languages  # in the average
    shown: tuple[Language, ...] = ()  # reported beside it
    question_languages: tuple[Language, ...] = ()  # each with each language (MLQA's matrix)
    parallel: bool | None = None  # items of one id say the same in all files (XQuAD, PUD, MLQA)

    def __post_init__(self) -> None:
        wanted = {"language"} | ({"question_language"} if self.question_languages else set())
        _check_fields("path", self.path, wanted, at_least=wanted)
        all_of_them = (*self.languages, *self.shown)
        _check_once(languages_and_shown=all_of_them, question_languages=self.question_languages)

    def files(self, name: str) -> list[GoldFile]:
        """All files, averaged ones first."""
        asked = self.question_languages or (None,)
        return [
            GoldFile(
                name,
                language,
                question,
                filled(self.path, language=language, question_language=question or ""),
                averaged,
            )
            for languages, averaged in ((self.languages, True), (self.shown, False))
            for language, question in itertools.product(languages, asked)
        ]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class QaConfig:
    """Questions about passages: files, windows in tokens, decoding."""

    train: str  # a file of questions; with {size} and {sample} in it, files of samples
    tests: Annotated[dict[Name, GoldConfig], Field(min_length=1)]
    max_tokens: Positive = 384  # of a window (paper: 384)
    stride: Positive = 128
    max_question_tokens: Positive = 64
    max_answer_tokens: Positive = 30
    n_best: Positive = 20

    def __post_init__(self) -> None:
        _check_train(self.train)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class NerConfig:
    """Tagged sentences: files, windows in tokens, the classifier."""

    train: str  # a file of sentences; with {size} and {sample} in it, files of samples
    tests: Annotated[dict[Name, GoldConfig], Field(min_length=1)]
    format: Literal["conll", "conll2002", "conll2003", "wikiann", "uner"]
    scheme: Literal["iob1", "iob2", "iobes"] | None = None  # default: found out
    max_tokens: Positive = 128  # of a window (paper: 128)
    overlap: NonNegative = 64
    dropout: Fraction = 0.1
    types: tuple[Name, ...] = ()  # of entities; default: those of the training file
    constrained: bool = True  # the best valid IOB2 sequence, not each word's best tag

    def __post_init__(self) -> None:
        _check_train(self.train)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class StartConfig:
    """A model to fine-tune: the `best` or `last` folder of a run, or any Hugging Face encoder."""

    path: str  # folder or hub name
    revision: str | None = None  # of a hub name; pin it


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EntryConfig:
    """A model of an evaluation, in one form or more; of several the best on average counts."""

    path: str  # as in StartConfig
    revision: str | None = None
    forms: Annotated[tuple[Form, ...], Field(min_length=1)] = ("question",)

    def __post_init__(self) -> None:
        _check_once(forms=self.forms)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ExamplesConfig:
    """A global step takes `slots` micro-batches of `examples`, for any number of workers."""

    slots: Positive = 4  # K
    examples: Positive = 8  # m; K x m is the global batch (paper: 32)

    @property
    def micro_batch(self) -> int:
        """What a forward takes."""
        return self.examples


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FinetuneConfig:
    """One cell: an encoder to a model that answers questions or finds entities, and its scores."""

    name: Name
    model: StartConfig
    form: Form = "question"  # with [QUE] and, for questions, the pre-trained head; or without
    qa: QaConfig | None = None
    ner: NerConfig | None = None
    size: Positive | None = None  # training examples; default: all
    sample: NonNegative = 0  # which sample of that size
    seed: NonNegative = 13
    precision: Literal["fp32", "bf16"] = "fp32"
    optimizer: OptimizerConfig  # its rate has no good default (paper: 3e-5 for QA, 5e-5 for NER)
    batch: ExamplesConfig = ExamplesConfig()
    length: LengthConfig
    export: bool = True  # keep the fine-tuned model
    storage: Folder = "~/clism_ray"
    scaling: ScalingConfig = ScalingConfig()
    zero: ZeroConfig = ZeroConfig()
    tracking: TrackingConfig = TrackingConfig()

    def __post_init__(self) -> None:
        _check_shared(self)
        if self.size is None and "{size}" in self.task.train:
            raise ValueError("the training file has {size} in its name: give size")

    @property
    def task(self) -> QaConfig | NerConfig:
        """The one that is given."""
        return _either(self.qa, self.ner)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EvaluateConfig:
    """Models side by side: every model and form, size and sample is a cell."""

    name: Name
    models: Annotated[dict[Name, EntryConfig], Field(min_length=1)]
    baseline: Name  # what the others are compared with
    qa: QaConfig | None = None
    ner: NerConfig | None = None
    sizes: Annotated[tuple[Positive | None, ...], Field(min_length=1)] = (None,)
    samples: Annotated[tuple[NonNegative, ...], Field(min_length=1)]  # and training seeds
    precision: Literal["fp32", "bf16"] = "fp32"
    optimizer: OptimizerConfig  # its rate has no good default (paper: 3e-5 for QA, 5e-5 for NER)
    batch: ExamplesConfig = ExamplesConfig()
    length: LengthConfig
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    resamples: Positive = 10_000
    export: bool = False
    cells_at_once: Positive | None = None  # default: as many as the cluster holds
    retries: NonNegative = 1  # of a cell that fails
    storage: Folder = "~/clism_ray"
    scaling: ScalingConfig = ScalingConfig()
    zero: ZeroConfig = ZeroConfig()
    tracking: TrackingConfig = TrackingConfig()

    def __post_init__(self) -> None:
        _check_shared(self)
        if self.baseline not in self.models:
            raise ValueError(
                f"baseline {self.baseline!r} is none of the models: {', '.join(self.models)}"
            )
        if None in self.sizes and "{size}" in self.task.train:
            raise ValueError("the training file has {size} in its name: give sizes")
        _check_once(sizes=self.sizes, samples=self.samples)

    @property
    def task(self) -> QaConfig | NerConfig:
        """The one that is given."""
        return _either(self.qa, self.ner)


def _either(qa: QaConfig | None, ner: NerConfig | None) -> QaConfig | NerConfig:
    task = qa or ner
    assert task is not None
    return task


def _check_shared(config: "FinetuneConfig | EvaluateConfig") -> None:
    """ValueError unless exactly one task is given, and workers that fine-tuning can do with."""
    if (config.qa is None) == (config.ner is None):
        raise ValueError("give exactly one of qa and ner")
    if config.zero.stage == 3:  # ranks decode different numbers of windows: no sharded weights
        raise ValueError("zero.stage 3 is for pre-training; fine-tune with stage 0, 1 or 2")
    if config.scaling.min_workers:
        raise ValueError(
            "scaling.min_workers is for pre-training, which has checkpoints; a fine-tuning would "
            "begin anew at every change: leave it out"
        )


def _check_once(**lists: Sequence[object]) -> None:
    """ValueError if a list holds a value twice."""
    for name, values in lists.items():
        if len(set(values)) < len(values):
            raise ValueError(f"{name} holds a value twice: {list(values)}")


def _check_fields(key: str, path: str, known: set[str], at_least: set[str]) -> None:
    """ValueError unless the `{names}` in a path are known, and those needed are there."""
    given = set(_FIELDS.findall(path))
    if given - known:
        raise ValueError(
            f"{key}: {{{sorted(given - known)[0]}}} is filled in by nothing; known here: "
            + ", ".join(f"{{{name}}}" for name in sorted(known))
        )
    if at_least - given:
        raise ValueError(f"{key}: has no {{{sorted(at_least - given)[0]}}} in it")


def _check_train(path: str) -> None:
    sampled = {"size", "sample"}
    _check_fields("train", path, sampled, sampled if _FIELDS.search(path) else set())


def filled(path: str, **values: object) -> Path:
    """The path with each `{name}` replaced."""
    return Path(_FIELDS.sub(lambda found: str(values[found[1]]), path)).expanduser()
