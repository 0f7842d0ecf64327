"""Settings of parallel text: inventing it, and preparing it for pre-training."""

import dataclasses
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from clism_ray.config_types import (
    STRICT,
    Fraction,
    Language,
    Name,
    NonNegative,
    Positive,
    Rate,
    Weight,
)
from clism_ray.placement import Labels
from clism_ray.places import Folder, Place


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SynthesizeConfig:
    """A synthetic parallel corpus with true spans and word links; see `corpus.synthetic`."""

    output: Folder  # one JSONL file per language pair and split
    seed: NonNegative = 13
    pairs: Positive = 10_000  # all languages together
    dev_pairs: NonNegative = 500  # held out, likewise; drawn after the others
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("de", "es", "ru", "hi", "zh")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CorpusFiles:
    """One parallel corpus of a language pair; see `corpus.files` for its paths."""

    name: Name
    format: Literal["moses", "tsv", "jsonl", "parquet", "tmx", "huggingface"]
    path: str  # file, folder, pattern with `*`, or URI; .gz and .zst are unpacked; hub name
    target_path: str | None = None  # moses: the target side's files; stars stand for the same
    source_language: Language
    target_language: Language
    source_column: int | str = 0  # tsv: position from 0, or a name of the header; jsonl: a key;
    target_column: int | str = 1  # parquet, huggingface: a name, default translation.LANGUAGE
    header: bool = False  # tsv: the first line names the columns
    subset: str | None = None  # huggingface: the configuration's name, such as de-en
    split: str | None = None  # huggingface; default: train
    revision: str | None = None  # huggingface, of a hub name; default: the present one
    licence: str = "unknown"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DecontaminationConfig:
    """Evaluation sets that the corpus must not give away; see `corpus.contamination`."""

    files: tuple[str, ...] = ()  # files, folders, patterns with `*`, URIs; in any usual form
    ngram: Positive = 8  # words in a row that a pair and a text share; fewer if one is shorter


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CleaningConfig:
    """Bounds of a usable pair; see `corpus.clean` for the rules."""

    min_words: Positive = 1
    max_words: Positive = 100
    max_characters: Positive = 1000
    max_length_ratio: Rate = 3.0  # of words, the longer side over the shorter
    markup: Literal["keep", "strip", "drop"] = "keep"  # tags and entities; drop: placeholders too
    check_script: bool = True  # drop a side whose letters are of another language's script
    identify_language: bool = False  # drop a side in another language; 5,000 sides/s on a core
    min_language_probability: Fraction = 0.05  # of a side's own language
    near_duplicates: Annotated[float, Field(ge=0.5, le=1)] | None = None  # this alike; null: stay
    decontaminate: DecontaminationConfig = DecontaminationConfig()


Method = Literal["systran", "eflomal", "neural"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class NeuralConfig:
    """An encoder that links words; see `tasks.neural_aligner`."""

    model: str  # folder or hub name; its weights are safetensors, its code is transformers'
    revision: str | None = None  # of a hub name; default: the present one, whose commit is noted
    layer: NonNegative | None = None  # 0: the embeddings; default: two thirds up, as 8 of 12
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.001  # of the probability both ways
    batch: Positive = 64  # pairs at a time


@dataclass(frozen=True, kw_only=True, config=STRICT)
class AlignmentConfig:
    """How words are linked: by tables, one per language pair, or by an encoder."""

    method: Method = "systran"  # eflomal: better links, installed apart; see `corpus.eflomal`
    fit_pairs: Positive = 200_000  # rows the table is fitted on, chosen by hash
    iterations: Positive = 5  # of systran; eflomal chooses its own
    neural: NeuralConfig | None = None  # given if it is the method

    def __post_init__(self) -> None:
        if (self.method == "neural") != (self.neural is not None):
            raise ValueError(
                "method neural and a section neural with a model go together; "
                f"got method {self.method} and neural: {self.neural}"
            )


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SpacyConfig:
    """Named entities of a spaCy pipeline."""

    model: str  # its folder


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TokenClassificationConfig:
    """Entities of a Hugging Face model; its weights are safetensors, its code is transformers'."""

    model: str  # folder or hub name
    revision: str | None = None  # of a hub name; default: the present one, whose commit is noted
    batch: Positive = 32  # windows at a time
    max_tokens: Annotated[int, Field(ge=16)] = 256  # of a window; long sentences take several


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GazetteerConfig:
    """Spans that stand in a list; see `corpus.gazetteer` for its form."""

    path: str  # file, folder, pattern with `*`, or URI
    label: Annotated[str, Field(min_length=1)] = "term"  # of entries that name none
    match_case: bool = True


@dataclass(frozen=True, kw_only=True, config=STRICT)
class NgramConfig:
    """Runs of words that need no model; see `corpus.rare_ngrams`."""

    max_words: Positive = 3
    per_sentence: Positive = 2
    min_rarity: Fraction = 0.4  # of the first and the last word; function words have less


FinderName = Literal["names_and_numbers", "spacy", "token_classification", "gazetteer", "ngrams"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SpanConfig:
    """Which spans of the source are informative; where two overlap, the earlier finder's stays."""

    finders: Annotated[tuple[FinderName, ...], Field(min_length=1)] = ("names_and_numbers",)
    max_words: Positive = 10
    spacy: SpacyConfig | None = None  # this and the two below: given if their finder is
    token_classification: TokenClassificationConfig | None = None
    gazetteer: GazetteerConfig | None = None
    ngrams: NgramConfig = NgramConfig()

    def __post_init__(self) -> None:
        if len(set(self.finders)) < len(self.finders):
            raise ValueError(f"finders: {', '.join(self.finders)} names a finder twice")
        for name in ("spacy", "token_classification", "gazetteer"):
            if (name in self.finders) != (getattr(self, name) is not None):
                raise ValueError(
                    f"{name} needs a place in finders, and finders need a section {name} for it; "
                    f"got finders {', '.join(self.finders)} and {name}: {getattr(self, name)}"
                )


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DevConfig:
    """Held-out pairs: named files, or a share of all pairs chosen by hash of the English text.

    Of the source text where neither side is English.
    """

    corpora: tuple[CorpusFiles, ...] = ()
    fraction: Fraction = 0.0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SamplingConfig:
    """How often rows of small language pairs are repeated; see `corpus.sampling`."""

    temperature: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0  # 1: every row once


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PrepareResources:
    """What preparation may use of the cluster."""

    cpus_per_task: Rate = 1.0
    max_tasks: Positive | None = None  # at a time; default: as many as there are CPUs
    # Of tasks that run a token classifier or an encoder; 0: they run it on the CPU.
    gpus_per_task: Weight = 0.0
    model_actors: Positive | None = None  # hold one each; default: as many as there is room for
    labels: Labels = dataclasses.field(default_factory=dict)  # of nodes that tasks go to


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PrepareConfig:
    """Parallel text to a prepared corpus."""

    output: Folder
    copy_to: Place | None = None  # a folder or URI for the finished corpus, to pre-train from
    corpora: Annotated[tuple[CorpusFiles, ...], Field(min_length=1)]
    dev: DevConfig = DevConfig()
    cleaning: CleaningConfig = CleaningConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    spans: SpanConfig = SpanConfig()
    sampling: SamplingConfig = SamplingConfig()
    # A task holds one shard's rows, all rows and copies / shards. As many tasks run at a time, or
    # up to 64 if shards are fewer, and then those that align hold a part of a shard.
    shards: Positive = 8
    window_rows: Positive = 2000  # rows of a Parquet row group, the unit of reading
    resources: PrepareResources = PrepareResources()
