"""What is wrong with a sweep before any trial runs."""

import difflib
import math
from collections.abc import Sequence
from typing import Any

from clism_ray.config import leaves, to_tree
from clism_ray.config_sweep import SpaceEntry, SweepConfig
from clism_ray.corpus.manifest import Manifest
from clism_ray.errors import InputError
from clism_ray.finetune import names
from clism_ray.finetune.check import check_data
from clism_ray.model.encoder import check_start
from clism_ray.train.space import NOT_SEARCHED, with_values
from clism_ray.train.step import metric_names


def check_space(config: SweepConfig) -> None:
    """Raise InputError for a key that is not there or a value that it cannot take."""
    known = [
        key for key in leaves(to_tree(config.pretrain)) if key.partition(".")[0] not in NOT_SEARCHED
    ]
    for key, entry in config.space.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise InputError(f"space.{key}: no such key to search; did you mean {close[0]}?")
        for value in _probes(entry):
            with_values(config.pretrain, {key: value}, where=f"space.{key}")
        if key.startswith("batch.") and config.pretrain.length.epochs is not None:
            raise InputError(
                f"space.{key}: with pretrain.length.epochs trials would take different numbers of "
                "steps; give pretrain.length.steps"
            )
    if config.pretrain.max_minutes is not None:
        raise InputError("pretrain.max_minutes: trials cut off by the clock cannot be compared")


def check_halving(config: SweepConfig, steps: int) -> None:
    """Raise InputError if trials of so many steps are over before one may be stopped."""
    if config.asha and config.asha.grace_steps >= steps:
        raise InputError(
            f"asha.grace_steps is {config.asha.grace_steps}, but a trial takes {steps} steps, so "
            "none would be stopped early; lower it, or leave asha out"
        )


def _probes(entry: SpaceEntry) -> Sequence[Any]:
    """The values that show whether a range fits: its ends and one between, or every choice."""
    found = entry.choice or entry.integers
    if found is None:
        low, high = entry.uniform or entry.loguniform or (0.0, 0.0)
        found = (low, (low + high) / math.pi, high)  # a key of whole numbers refuses the second
    return found


def check_objective(config: SweepConfig, manifest: Manifest) -> None:
    """Raise InputError if no run logs a metric of this name."""
    if not any(sum(shard.rows_per_group) for shard in manifest.dev):
        raise InputError(
            f"{config.pretrain.corpus}: no held-out pairs, so trials cannot be compared; prepare "
            "the corpus with dev.corpora or dev.fraction"
        )
    known = metric_names(config.pretrain, manifest.language_pairs)
    known += names.metric_names(config.few_shot.task) if config.few_shot else []
    if config.objective not in known:
        close = difflib.get_close_matches(config.objective, known, n=3, cutoff=0.0)
        raise InputError(
            f"objective {config.objective!r} is never reported; did you mean {', '.join(close)}?"
        )


def check_few_shot(config: SweepConfig) -> None:
    """Raise InputError for what every trial would meet at its end."""
    cell = config.few_shot
    if cell is None:
        return
    limits, model = config.pretrain.tokenizer, config.pretrain.model
    room = limits.max_source_tokens + limits.max_target_tokens
    check_start(model, cell.task.max_tokens, "few_shot's max_tokens")
    if model.start is None and cell.task.max_tokens > room:
        raise InputError(
            f"few_shot: windows of max_tokens {cell.task.max_tokens}, but an encoder from scratch "
            f"has {room} positions; lower max_tokens, or raise pretrain.tokenizer.max_source_tokens"
        )
    check_data(cell.task, [(cell.size, cell.sample)])
