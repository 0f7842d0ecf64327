"""Settings of training: types, bounds, defaults. `config_file` reads them from YAML.

Keys are of two kinds. *Identity* keys decide the loss curve and are hashed; *placement* keys say
where and how a run lives (`PLACEMENT`) and are not.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from clism_ray.config_losses import LossConfig
from clism_ray.config_types import (
    STRICT,
    Fraction,
    Momentum,
    Name,
    NonNegative,
    Positive,
    Rate,
    Weight,
)
from clism_ray.placement import Labels
from clism_ray.places import Folder, Place


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TokenizerConfig:
    """The tokenizer, and how long a sentence may be."""

    path: str | None = None  # folder or hub name; default: the model's; from scratch: trained
    vocabulary: Positive = 8000  # of a tokenizer trained on the corpus
    max_source_tokens: Positive = 128  # of each side, its special tokens included (paper: 128)
    max_target_tokens: Positive = 128


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ScratchConfig:
    """Shape of an encoder that starts from random weights (XLM-R architecture)."""

    layers: Positive = 4
    hidden: Positive = 256
    heads: Positive = 4
    intermediate: Positive = 1024
    dropout: Fraction = 0.1


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelConfig:
    """The encoder to start from."""

    start: str | None = None  # a Hugging Face folder or hub name; default: from scratch
    revision: str | None = None  # of a hub name; pin it
    scratch: ScratchConfig = ScratchConfig()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MaskingConfig:
    """How a pair becomes an example."""

    questions: bool = True  # false: the same pairs, for MLM alone; the control of CLISM and CACR
    max_spans: Positive = 4  # [QUE] tokens of one sentence; more candidates: a random choice
    labels: Annotated[tuple[str, ...], Field(min_length=1)] | None = None  # of spans to ask about
    min_confidence: Fraction = 0.0  # spans whose finder was less sure are not asked about
    min_score: Fraction = 0.0  # nor are those whose projection scored less
    mlm_probability: Fraction = 0.15


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OptimizerConfig:
    """AdamW, its warm-up and its decay."""

    learning_rate: Rate = 1e-5
    beta1: Momentum = 0.9
    beta2: Momentum = 0.999
    epsilon: Rate = 1e-8
    weight_decay: Weight = 0.0
    warmup_steps: NonNegative = 0
    decay: Literal["linear", "cosine", "constant"] = "linear"
    clip: Weight = 1.0  # largest gradient norm; 0: no clipping


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BatchConfig:
    """A global step takes `slots` micro-batches of `pairs` pairs, for any number of workers."""

    slots: Positive = 4  # K
    pairs: Positive = 16  # m; K x m is the global batch (paper: 64)

    @property
    def micro_batch(self) -> int:
        """What a forward takes."""
        return self.pairs


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LengthConfig:
    """How long to train: by steps or by epochs, exactly one of them."""

    steps: Positive | None = None
    epochs: Positive | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give exactly one of steps and epochs")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ScalingConfig:
    """Workers and what each of them holds."""

    workers: Positive = 2
    min_workers: Positive | None = None  # fewer will do: as many as there is room for
    device: Literal["cpu", "cuda"] = "cpu"
    cpus_per_worker: Rate = 0.5  # under 1 locally, so that data tasks find a CPU
    gpus_per_worker: Weight = 0.0
    backend: Literal["gloo", "nccl"] = "gloo"
    threads_per_worker: Positive | None = None  # of torch on CPUs; default: its CPUs or share
    resources_per_worker: dict[str, Rate] = dataclasses.field(default_factory=dict)  # other ones
    cpus_per_data_task: Rate = 0.5
    data_tasks_per_worker: Positive = 8  # at once, each a process that makes micro-batches
    labels: Labels = dataclasses.field(default_factory=dict)  # of nodes that workers go to
    data_labels: Labels = dataclasses.field(default_factory=dict)  # of nodes for data tasks
    max_restarts: NonNegative = 3
    activation_checkpointing: bool = False

    def __post_init__(self) -> None:
        if doubled := self.resources_per_worker.keys() & {"CPU", "GPU"}:
            raise ValueError(
                f"resources_per_worker names {min(doubled)}; give it as "
                f"{min(doubled).lower()}s_per_worker"
            )
        if self.fewest > self.workers:
            raise ValueError(
                f"min_workers is {self.min_workers}, more than workers, {self.workers}; "
                "a run has from min_workers to workers"
            )

    @property
    def fewest(self) -> int:
        """Workers without which a run does not start, or go on."""
        return self.min_workers or self.workers


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ZeroConfig:
    """What DeepSpeed shards: 0 nothing, 1 optimizer, 2 and gradients, 3 and parameters."""

    stage: Annotated[int, Field(ge=0, le=3)] = 2


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CheckpointConfig:
    """How often the state of a run is saved, and how many are kept."""

    every_steps: Positive = 500
    keep: Positive = 2
    beside: bool = True  # written from a copy in memory while training goes on; false: it waits
    copy_to: Place | None = None  # a folder or URI (s3://...) that has copies too, to go on from


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ValidationConfig:
    """Held-out pairs, under masks that never change."""

    every_steps: Positive = 500
    pairs_per_language: Positive = 500
    probes: bool = True  # of sentence vectors: retrieval and others; 0.4 of the tokens more
    beside: bool = False  # by a task with what a worker has, while training goes on


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrackingConfig:
    """MLflow. Without a URI: a SQLite file under `storage`."""

    uri: str | None = None
    experiment: str = "clism"
    log_every_steps: Positive = 10


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PretrainConfig:
    """A prepared corpus to a pre-trained encoder."""

    name: Name
    corpus: Place  # folder or URI of a prepared one; its content hash, not this path, is identity
    seed: NonNegative = 13
    precision: Literal["fp32", "bf16"] = "fp32"
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    masking: MaskingConfig = MaskingConfig()
    losses: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    batch: BatchConfig = BatchConfig()
    length: LengthConfig
    max_minutes: Rate | None = None  # stops cleanly after this long; the next start goes on
    storage: Folder = "~/clism_ray"
    resume_from: str | None = None  # folder of this run in another storage; for its first start
    scaling: ScalingConfig = ScalingConfig()
    zero: ZeroConfig = ZeroConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    validation: ValidationConfig = ValidationConfig()
    tracking: TrackingConfig = TrackingConfig()

    def __post_init__(self) -> None:
        if not self.masking.questions and (self.losses.clism.weight or self.losses.cacr.weight):
            raise ValueError(
                "masking.questions is false, so there is no [QUE] for CLISM and no masked source "
                "for CACR; set losses.clism.weight=0 and losses.cacr.weight=0 too"
            )

    @property
    def trains_head(self) -> bool:
        """Whether anything trains the span head, which points from `[QUE]`."""
        return self.masking.questions and self.losses.clism.weight > 0


PLACEMENT = frozenset(
    "name corpus max_minutes storage resume_from scaling zero checkpoint validation "
    "tracking".split()
)


def to_tree(config: Any) -> dict[str, Any]:
    """The configuration as plain values, every default filled in."""
    tree: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return tree


def defaults(kind: Any) -> dict[str, Any]:
    """What a configuration of this kind says of itself, as plain values: keys with a default."""
    given = {field.name: field.default for field in dataclasses.fields(kind)}
    known = {key: value for key, value in given.items() if value is not dataclasses.MISSING}
    asdict = {key: to_tree(v) if dataclasses.is_dataclass(v) else v for key, v in known.items()}
    tree: dict[str, Any] = json.loads(json.dumps(asdict))
    return tree


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree's values under dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= leaves(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def identity(config: PretrainConfig, corpus_hash: str) -> dict[str, Any]:
    """What decides the loss curve: every key that is no placement key, and the corpus itself."""
    tree = {key: value for key, value in to_tree(config).items() if key not in PLACEMENT}
    return {"corpus_hash": corpus_hash, **tree}


def identity_hash(tree: dict[str, Any]) -> str:
    """16 hexadecimal digits that name an identity."""
    text = json.dumps(tree, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Lines `a.b: old -> new` for every leaf in which two trees differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = list(old) + [key for key in new if key not in old]
        return [
            line
            for key in keys
            for line in differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        ]
    return [] if old == new else [f"{path}: {old!r} -> {new!r}"]
