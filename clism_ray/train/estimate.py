"""What a pre-training run will take, from its configuration and what is on disk already.

No weight is made and no cluster is joined; of a corpus in a store, some rows are read. What cannot
be known is assumed, and each assumption is told.
"""

import dataclasses
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clism_ray.config import PretrainConfig
from clism_ray.corpus.manifest import MANIFEST, Manifest, read_manifest, windows
from clism_ray.corpus.storage import below, info, located
from clism_ray.errors import InputError
from clism_ray.masking.microbatch import Recipe, build, open_recipe
from clism_ray.masking.order import Slot
from clism_ray.masking.tokenizer import load_tokenizer, save_tokenizer
from clism_ray.model.outline import on_disk, outline, shape_of
from clism_ray.model.shape import Shape
from clism_ray.records import IGNORED, Batch
from clism_ray.train import activations, cost, journal
from clism_ray.train.activations import Load
from clism_ray.train.cost import Batches
from clism_ray.train.memory import STAGES, Memory, memory
from clism_ray.train.run import make_tokenizer, named_tokenizer, recipe_of, run_folder

SENTENCE = 30.0  # tokens, where nothing better is known
QUESTIONS = 2.0  # of a pair, likewise
_SAMPLE = 32  # micro-batches that are looked at


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given:
    """What the user knows and the disk does not."""

    pairs: int | None = None  # to train on
    sentence_tokens: float | None = None  # tokens of a sentence
    pairs_per_second: float | None = None  # of the whole run
    tflops: float | None = None  # peak of a worker's device
    mfu: float = 0.35  # share of the peak that training reaches
    gpu_gib: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A run before it starts. Bytes, seconds and FLOPs, of a worker where not said otherwise."""

    name: str
    start: str
    device: str
    precision: str
    stage: int  # that the configuration asks for
    recompute: bool  # likewise
    shape: Shape
    batches: Batches
    usual: Load  # a micro-batch
    largest: Load
    memory: dict[str, tuple[Memory, ...]]  # by stage: usual, largest; with recomputing
    operations: float  # FLOPs of a step, all workers
    seconds: float | None  # of a step
    speed: str  # where the seconds are from
    sent: dict[int, float]  # bytes of a step by stage
    checkpoint: float
    copied: float  # by a worker, for its share of a checkpoint, while it is written; 0: it is not
    exported: float
    disk: float
    gpu_gib: float | None
    assumed: tuple[str, ...]


def estimate(config: PretrainConfig, given: Given) -> Estimate:
    """What a configuration comes to.

    Raises:
        InputError: its model's shape, or the number of its steps, cannot be known.
    """
    corpus = located(config.corpus)
    manifest = read_manifest(corpus) if info(below(corpus, MANIFEST)).is_file else None
    rows = sum(w.rows for w in windows(manifest.train)) if manifest else None
    batches = _batches(config, given.pairs or rows, corpus)
    assumed = [] if manifest else [f"what a corpus would tell, as there is none in {corpus}"]
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = _tokenizer(config, corpus, manifest, Path(folder) / "tokenizer", assumed)
        shape = _shape(config, tokenizer)
        recipe = dataclasses.replace(recipe_of(config, corpus), tokenizer=str(tokenizer))
        usual = _usual(recipe, bool(rows and tokenizer), given, assumed)
    largest = activations.longest(config.batch.pairs, config.tokenizer, config.masking)
    operations = cost.operations(
        shape,
        usual,
        config.scaling.activation_checkpointing,
        encoded_first=config.losses.cacr.negatives == "global",
    )
    seconds, speed = _seconds(config, batches, operations, given)
    return Estimate(
        name=config.name,
        start=config.model.start or "random weights",
        device=config.scaling.device,
        precision=config.precision,
        stage=config.zero.stage,
        recompute=config.scaling.activation_checkpointing,
        shape=shape,
        batches=batches,
        usual=usual,
        largest=largest,
        memory={
            f"{name}{', recomputed' if recompute else ''}": _memory(
                config, shape, batches, load, recompute
            )
            for recompute in (False, True)
            for name, load in (("usual", usual), ("largest", largest))
        },
        operations=operations * batches.slots,
        seconds=seconds,
        speed=speed,
        sent={stage: cost.sent(shape, stage, batches.workers, batches.turns) for stage in STAGES},
        checkpoint=cost.checkpoint_bytes(shape),
        copied=_copied(config, shape),
        exported=cost.export_bytes(shape),
        disk=cost.disk_bytes(shape, config.checkpoint.keep),
        gpu_gib=given.gpu_gib,
        assumed=tuple(assumed),
    )


def load_of(batches: Sequence[Batch]) -> Load:
    """The mean load of some micro-batches."""
    lengths = [np.diff(batch.offsets_N1).astype(float) for batch in batches]
    return Load(
        pairs=statistics.mean(len(batch.row_id_B) for batch in batches),
        tokens=statistics.mean(float(each.sum()) for each in lengths),
        squares=statistics.mean(float((each**2).sum()) for each in lengths),
        questions=statistics.mean(int((b.start_Q != IGNORED).sum()) for b in batches),
        masked=statistics.mean(int((b.label_M != IGNORED).sum()) for b in batches),
    )


def _tokenizer(
    config: PretrainConfig, corpus: str, manifest: Manifest | None, folder: Path, told: list[str]
) -> Path | None:
    """Where the run's tokenizer is, or the one it would make; None where that is not known."""
    own = run_folder(config) / "tokenizer"
    named = config.tokenizer.path or config.model.start
    if own.is_dir():
        return own
    if named is None and manifest is None:
        told.append(f"a tokenizer of tokenizer.vocabulary = {config.tokenizer.vocabulary:,} tokens")
        return None
    if named is not None and not on_disk(named, config.model.revision):
        told.append(f"a row for [QUE] in {named}, whose tokenizer is not on this disk")
        return None
    try:
        if manifest is not None:
            make_tokenizer(config, corpus, manifest, folder)
        elif tokenizer := named_tokenizer(config):
            save_tokenizer(tokenizer, folder)
    except InputError as error:
        told.append(f"a row for [QUE], as the {error}")
        return None
    return folder


def _shape(config: PretrainConfig, tokenizer: Path | None) -> Shape:
    limits = config.tokenizer
    most = limits.max_source_tokens + limits.max_target_tokens
    if tokenizer is None:
        tokens = limits.vocabulary if config.model.start is None else None
        return shape_of(outline(config.model, tokens, most))
    loaded = load_tokenizer(str(tokenizer))
    return shape_of(outline(config.model, len(loaded), most, loaded.pad_token_id))


def _usual(recipe: Recipe, readable: bool, given: Given, told: list[str]) -> Load:
    """The mean load of the run's first micro-batches, or of sentences of so many tokens."""
    if readable and given.sentence_tokens is None:
        plan = open_recipe(recipe).plan
        first = range(min(_SAMPLE, plan.microbatches))
        batches = [build(recipe, Slot(0, 0, number)) for number in first]
        kept = [batch for batch in batches if batch.row_id_B[0] >= 0]
        if kept:
            return load_of(kept)
    sentence = SENTENCE if given.sentence_tokens is None else given.sentence_tokens
    asked = min(QUESTIONS, recipe.masking.max_spans)
    if given.sentence_tokens is None:
        told.append(f"sentences of {sentence:g} tokens (--sentence-tokens)")
    told.append(f"{asked:g} questions a pair")
    return activations.pair_of(sentence, recipe.masking, asked).times(recipe.pairs)


def _batches(config: PretrainConfig, rows: int | None, corpus: str) -> Batches:
    batch, length = config.batch, config.length
    if config.scaling.workers > batch.slots:
        raise InputError(
            f"scaling.workers is {config.scaling.workers}, but a step has only batch.slots = "
            f"{batch.slots} micro-batches to share; use at most {batch.slots} workers"
        )
    if length.steps is None and not rows:
        raise InputError(
            f"there is no prepared corpus in {corpus}, so length.epochs = {length.epochs} are an "
            "unknown number of steps; prepare it, give --pairs, or give length.steps"
        )
    once = -(-(rows or 0) // batch.pairs // batch.slots)
    return Batches(
        slots=batch.slots,
        pairs=batch.pairs,
        workers=config.scaling.workers,
        steps=length.steps or once * (length.epochs or 0),
        rows=rows,
    )


def _memory(
    config: PretrainConfig, shape: Shape, batches: Batches, load: Load, recompute: bool
) -> tuple[Memory, ...]:
    device = config.scaling.device
    kept = activations.kept(shape, load, config.precision, device, recompute)
    saving = _copied(config, shape)
    if saving:  # of the first worker, a model to export with it
        saving += cost.export_bytes(shape)
    return tuple(
        memory(shape, stage, batches.workers, kept, device, saving=saving) for stage in STAGES
    )


def _copied(config: PretrainConfig, shape: Shape) -> float:
    return cost.copy_bytes(shape, config.scaling.workers) if config.checkpoint.beside else 0.0


def _seconds(
    config: PretrainConfig, batches: Batches, operations: float, given: Given
) -> tuple[float | None, str]:
    """Seconds of a step, and where they are from."""
    if given.tflops is not None:
        seconds = batches.turns * operations / (given.tflops * 1e12 * given.mfu)
        of = f"{given.mfu:.0%} of {given.tflops:g} TFLOP/s a worker"
        return seconds, f"{of}, and not a moment on the network or for data"
    if rate := given.pairs_per_second:
        return batches.global_batch / rate, f"{rate:,.1f} pairs/s, as given"
    if found := journal.step_seconds(run_folder(config) / journal.JOURNAL):
        return statistics.median(found), f"the median of {len(found)} steps of this run so far"
    return None, "not known: give --pairs-per-second, or --tflops and --mfu"
