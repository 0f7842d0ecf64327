"""The tables of cluster/SCALING.md: what pre-training on 1B pairs takes on 8 to 1,024 GPUs.

    python benchmarks/scaling.py

Arithmetic alone: that of `jobs/plan.py`, and the assumptions below. Nothing was run on a GPU.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.config import MaskingConfig, ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.masking.stream import MICROBATCHES_PER_TASK
from clism_ray.model.outline import outline, shape_of
from clism_ray.model.shape import XLM_R_TOKENS, Shape
from clism_ray.train.activations import kept, longest, pair_of
from clism_ray.train.cost import Batches, checkpoint_bytes, copy_bytes, operations, sent
from clism_ray.train.memory import STAGES, fits, memory

PAIRS = 10**9
GPUS = (8, 64, 512, 1024)
GPU_GIB = 80
SENTENCE = 30  # tokens
QUESTIONS = 2  # of a pair
PEAK = 989e12  # FLOP/s of an H100 SXM in bf16, dense (NVIDIA's data sheet)
MFU = 0.30
IN_NODE = 8  # GPUs
LINK_IN_NODE = 0.7 * 450e9  # bytes/s of a GPU each way: NVLink 4, and what a ring gets of it
LINK_BETWEEN = 0.7 * 50e9  # 400 Gbit/s a GPU
MASKED_PER_CORE = 1000  # pairs/s; see SCALING.md
DATA_CORES = 64  # of a data node
STORE_ALL, STORE_ONE = 40e9, 2e9  # bytes/s of the shared storage: in all, for one worker
GPU_HOURS_PER_FAILURE = 16_384 * 54 * 24 / 419  # Llama 3 (arXiv:2407.21783, section 3.3.4)
RESTART = 60.0  # seconds from a failure to reading the checkpoint
DOLLARS = 2.5  # of an H100 for an hour


@dataclass(frozen=True)
class Model:
    """An encoder, and how it would be trained."""

    name: str
    config: ModelConfig
    stage: int  # of ZeRO, in the tables that take one
    pairs: int  # of a micro-batch
    recompute: bool


MODELS = (
    Model("base", ModelConfig(start="FacebookAI/xlm-roberta-base"), 1, 256, False),
    Model("large", ModelConfig(start="FacebookAI/xlm-roberta-large"), 1, 128, False),
    Model(
        "10B",  # the shape of XLM-R XXL (Goyal et al. 2021, arXiv:2105.00572)
        ModelConfig(scratch=ScratchConfig(layers=48, hidden=4096, heads=32, intermediate=16384)),
        3,
        32,
        True,
    ),
)


@dataclass(frozen=True)
class Run:
    """A model on so many GPUs, one slot of a step for each."""

    model: Model
    gpus: int

    @property
    def shape(self) -> Shape:
        """Numbers of the model."""
        return shape(self.model)

    @property
    def batches(self) -> Batches:
        """One epoch of all pairs."""
        steps = math.ceil(PAIRS / (self.gpus * self.model.pairs))
        slots, pairs = self.gpus, self.model.pairs
        return Batches(slots=slots, pairs=pairs, workers=self.gpus, steps=steps, rows=PAIRS)

    @property
    def computing(self) -> float:
        """Seconds of a step."""
        load = pair_of(SENTENCE, MaskingConfig(), QUESTIONS).times(self.model.pairs)
        return operations(self.shape, load, self.model.recompute) / (PEAK * MFU)

    @property
    def sending(self) -> float:
        """Seconds of a step, with nothing of it hidden behind computing."""
        link = LINK_IN_NODE if self.gpus <= IN_NODE else LINK_BETWEEN
        return sent(self.shape, self.model.stage, self.gpus, 1) / link

    @property
    def step(self) -> float:
        """Seconds."""
        return self.computing + self.sending

    @property
    def rate(self) -> float:
        """Pairs/s."""
        return self.batches.global_batch / self.step

    @property
    def hours(self) -> float:
        """Of all steps, undisturbed."""
        return self.step * self.batches.steps / 3600

    @property
    def saving(self) -> float:
        """Seconds of a checkpoint: all of it into the storage, or the largest share of a worker."""
        share = copy_bytes(self.shape, self.gpus)
        return max(checkpoint_bytes(self.shape) / STORE_ALL, share / STORE_ONE)

    @property
    def loading(self) -> float:
        """Seconds until every worker has read the whole state."""
        whole = checkpoint_bytes(self.shape)
        return max(self.gpus * whole / STORE_ALL, whole / STORE_ONE)

    @property
    def between_failures(self) -> float:
        """Seconds."""
        return 3600 * GPU_HOURS_PER_FAILURE / self.gpus

    @property
    def interval(self) -> float:
        """Seconds between checkpoints that lose least (Young 1974)."""
        return math.sqrt(2 * self.saving * self.between_failures)

    @property
    def lost(self) -> float:
        """Share of the time that goes into checkpoints, repeated steps and restarts."""
        repeated = self.interval / 2 + RESTART + self.loading
        return self.saving / self.interval + repeated / self.between_failures


@cache
def shape(model: Model) -> Shape:
    """Numbers of a model with XLM-R's vocabulary and `[QUE]`."""
    limits = TokenizerConfig()
    most = limits.max_source_tokens + limits.max_target_tokens
    return shape_of(outline(model.config, XLM_R_TOKENS + 1, most))


def runs() -> list[Run]:
    """Every model on every number of GPUs."""
    return [Run(model, gpus) for model in MODELS for gpus in GPUS]


def models_table() -> str:
    """What is planned."""
    rows = []
    for m in MODELS:
        recomputed = "yes" if m.recompute else "no"
        rows.append([m.name, f"{shape(m).parameters:,}", f"{m.pairs}", recomputed, f"{m.stage}"])
    return table(["model", "parameters", "pairs a slot", "recomputed", "ZeRO"], rows)


def memory_table() -> str:
    """Peak by stage, with the largest micro-batch."""
    rows = []
    for run in runs():
        load = longest(run.model.pairs, TokenizerConfig(), MaskingConfig())
        keeps = kept(run.shape, load, "bf16", "cuda", run.model.recompute)
        peaks = [memory(run.shape, stage, run.gpus, keeps, "cuda").peak for stage in STAGES]
        told = [f"{p / 2**30:,.0f}" + ("" if fits(p, GPU_GIB) else " ✗") for p in peaks]
        rows.append([run.model.name, f"{run.gpus:,}", *told])
    return table(["model", "GPUs", *(f"ZeRO {stage}" for stage in STAGES)], rows)


def network_table() -> str:
    """Bytes that a GPU sends in a step; nearly the same for any number of them."""
    rows = [
        [m.name, *(f"{sent(shape(m), stage, 512, 1) / 1e9:,.1f}" for stage in STAGES)]
        for m in MODELS
    ]
    return table(["GB a step", *(f"ZeRO {stage}" for stage in STAGES)], rows)


def time_table() -> str:
    """A run of all pairs."""
    rows = [
        [
            r.model.name,
            f"{r.gpus:,}",
            f"{r.batches.global_batch:,}",
            f"{r.batches.steps:,}",
            f"{r.computing:.2f}",
            f"{r.sending:.2f}",
            f"{r.rate:,.0f}",
            f"{r.hours:,.1f}",
            f"{r.hours * r.gpus * DOLLARS:,.0f}",
        ]
        for r in runs()
    ]
    heads = ["pairs a step", "steps", "computing, s", "network, s", "pairs/s", "hours", "dollars"]
    return table(["model", "GPUs", *heads], rows)


def data_table() -> str:
    """What Ray Data must deliver."""
    rows = []
    for run in runs():
        cores, batches = run.rate / MASKED_PER_CORE, run.gpus / run.step
        nodes, blocks = math.ceil(cores / DATA_CORES), batches / MICROBATCHES_PER_TASK
        told = [f"{math.ceil(cores):,}", f"{nodes:,}", f"{batches:,.0f}", f"{blocks:,.0f}"]
        rows.append([run.model.name, f"{run.gpus:,}", *told, f"{blocks / run.gpus:.2f}"])
    heads = ["cores", "data nodes", "micro-batches/s", "blocks/s", "blocks/s of a worker"]
    return table(["model", "GPUs", *heads], rows)


def failure_table() -> str:
    """Checkpoints, failures and what they cost."""
    rows = [
        [
            r.model.name,
            f"{r.gpus:,}",
            f"{checkpoint_bytes(r.shape) / 1e9:,.0f}",
            f"{r.saving:,.1f}",
            f"{r.loading:,.0f}",
            f"{86400 / r.between_failures:.3f}",
            f"{r.interval / 60:,.0f}",
            f"{r.lost:.2%}",
        ]
        for r in runs()
    ]
    heads = ["GB", "save, s", "load, s", "failures a day", "save every, min", "lost"]
    return table(["model", "GPUs", *heads], rows)


def tables() -> Iterator[str]:
    """All of them, in the order of the page."""
    makers = models_table, memory_table, network_table, time_table, data_table, failure_table
    return (make() for make in makers)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, numbers to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print("\n\n".join(tables()))
