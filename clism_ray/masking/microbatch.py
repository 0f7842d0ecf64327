"""Micro-batch k of an epoch: its rows read, made into examples, collated."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.corpus.manifest import Manifest, Shard, Window, read_manifest, windows
from clism_ray.corpus.rows import read_rows
from clism_ray.masking.collate import empty_batch, make_batch
from clism_ray.masking.examples import Vocabulary, make_examples, vocabulary
from clism_ray.masking.order import Plan, Slot, rows_of
from clism_ray.masking.tokenizer import open_tokenizer
from clism_ray.records import AlignedPair, Batch, Example


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a micro-batch holds, but its number. Small enough to send."""

    corpus: str  # folder, or URI
    tokenizer: str  # folder
    limits: TokenizerConfig
    masking: MaskingConfig
    pairs: int  # m
    slots: int  # K
    seed: int


@dataclass(frozen=True, slots=True)
class Kitchen:
    """What a recipe opens, once per process."""

    manifest: Manifest
    train_windows: tuple[Window, ...]
    words: Vocabulary
    plan: Plan


@lru_cache(maxsize=4)
def open_recipe(recipe: Recipe) -> Kitchen:
    """Read the manifest and the tokenizer of a recipe."""
    manifest = read_manifest(recipe.corpus)
    return Kitchen(
        manifest=manifest,
        train_windows=tuple(windows(manifest.train)),
        words=vocabulary(open_tokenizer(recipe.tokenizer)),
        plan=plan_of(manifest.train, recipe),
    )


def plan_of(shards: tuple[Shard, ...], recipe: Recipe) -> Plan:
    """The order arithmetic of a recipe over a split."""
    rows = tuple(window.rows for window in windows(shards))
    return Plan(rows, recipe.pairs, recipe.slots, recipe.seed)


def build(recipe: Recipe, slot: Slot) -> Batch:
    """The micro-batch of a slot."""
    if slot.microbatch is None:
        return empty_batch()
    kitchen = open_recipe(recipe)
    pairs = [
        pair
        for part in rows_of(kitchen.plan, slot.epoch, slot.microbatch)
        for pair in read_rows(recipe.corpus, kitchen.train_windows[part.window], part.rows)
    ]
    results = examples_of(recipe, pairs, slot.epoch)
    return make_batch([pair.row_id for pair in pairs], results, kitchen.manifest.language_pairs)


def examples_of(recipe: Recipe, pairs: Sequence[AlignedPair], epoch: int) -> list[Example | str]:
    """The examples, or the reasons why there are none, of some pairs in an epoch."""
    words = open_recipe(recipe).words
    return make_examples(pairs, words, recipe.limits, recipe.masking, recipe.seed, epoch)
