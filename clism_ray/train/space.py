"""What a sweep searches: dotted keys, their values, the runs that come of them, the objective."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clism_ray.config import PretrainConfig, identity, leaves, to_tree
from clism_ray.config_file import parse
from clism_ray.config_sweep import TESTED, SpaceEntry, SweepConfig
from clism_ray.corpus.manifest import Manifest
from clism_ray.errors import InputError
from clism_ray.finetune import names
from clism_ray.finetune.check import check_data
from clism_ray.model.encoder import check_start
from clism_ray.train import journal
from clism_ray.train.step import metric_names

STEP, OBJECTIVE = "step", "objective"  # of what a trial reports

# One corpus and one store are shared by all trials, and names are the sweep's. Trials of different
# lengths could not be compared, and how many run at once is computed before any is drawn.
_NOT_SEARCHED = frozenset(
    "name corpus length max_minutes storage resume_from scaling zero checkpoint validation "
    "tracking".split()
)


def sweep_folder(config: SweepConfig) -> Path:
    """Where a sweep lives; its trials' runs stand below it."""
    return Path(config.pretrain.storage).expanduser().resolve() / "sweeps" / config.name


def sweep_identity(config: SweepConfig, corpus_hash: str) -> dict[str, Any]:
    """What decides which trials a sweep makes and which is best."""
    tree = to_tree(config)
    shared = {
        **identity(config.pretrain, corpus_hash),
        "validation": tree["pretrain"]["validation"],
    }
    return {
        **{key: tree[key] for key in tree if key not in ("name", "pretrain")},
        "pretrain": shared,
    }


def check_space(config: SweepConfig) -> None:
    """Raise InputError for a key that is not there or a value that it cannot take."""
    known = [
        key
        for key in leaves(to_tree(config.pretrain))
        if key.partition(".")[0] not in _NOT_SEARCHED
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


def trial_count(config: SweepConfig) -> int:
    """How many trials a sweep has."""
    return config.trials or math.prod(len(entry.choice or ()) for entry in config.space.values())


def with_values(
    config: PretrainConfig, values: Mapping[str, Any], where: str = "trial"
) -> PretrainConfig:
    """The configuration with some dotted keys set; InputError if they do not fit it."""
    tree = to_tree(config)
    for key, value in values.items():
        *parents, last = key.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        node[last] = value
    return parse(PretrainConfig, tree, where)


def trial_name(sweep: str, trial_id: str) -> str:
    """The name of the run of a trial."""
    return f"{sweep}-{trial_id}"


def trial_config(config: SweepConfig, values: Mapping[str, Any], name: str) -> PretrainConfig:
    """The run of one trial. It lives below the sweep."""
    searched = with_values(config.pretrain, values)
    return dataclasses.replace(searched, name=name, storage=str(sweep_folder(config)))


def shared_tokenizer(config: SweepConfig, run: PretrainConfig) -> Path | None:
    """The folder of the tokenizer made once for all trials, unless this one asks for another."""
    asked = (run.tokenizer, run.model.start, run.model.revision)
    base = config.pretrain
    same = asked == (base.tokenizer, base.model.start, base.model.revision)
    return sweep_folder(config) / "tokenizer" if same else None


def curve_of(folder: Path, name: str, objective: str) -> list[tuple[int, float]]:
    """Steps of a trial of the sweep in `folder`, and the objective there."""
    return objective_curve(journal.read(folder / "runs" / name / journal.JOURNAL), objective)


def objective_curve(entries: list[journal.Entry], objective: str) -> list[tuple[int, float]]:
    """Steps and the objective there, at every validation after a step.

    A metric of training counts as of the step before the validation; one of a few-shot cell, at the
    end alone.
    """
    if objective.startswith(TESTED):
        tested = [entry for entry in entries if entry.kind == "test"]
        return [(entry.step, float(entry.values[objective])) for entry in tested]
    curve, latest = [], None
    for entry in entries:
        latest = entry.values.get(objective, latest) if entry.kind != "event" else latest
        if entry.kind == "validation" and entry.step and latest is not None:
            curve.append((entry.step, float(latest)))
    return curve
