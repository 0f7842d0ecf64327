"""What a sweep searches: dotted keys, their values, the runs that come of them, the objective."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clism_ray.config import (
    PretrainConfig,
    SpaceEntry,
    SweepConfig,
    identity,
    leaves,
    to_tree,
)
from clism_ray.config_file import parse
from clism_ray.errors import InputError
from clism_ray.train import journal
from clism_ray.train.step import metric_names

# One prepared corpus and one tracking store are shared by all trials; names are the sweep's.
_NOT_SEARCHED = ("name", "corpus", "storage", "tracking", "max_minutes", "validation")


def sweep_folder(config: SweepConfig) -> Path:
    """Where a sweep lives; its trials' runs stand below it."""
    return Path(config.pretrain.storage).expanduser().resolve() / "sweeps" / config.name


def sweep_identity(config: SweepConfig, corpus_hash: str) -> dict[str, Any]:
    """What decides which trials a sweep makes and which is best."""
    tree = to_tree(config)
    placement = ("name", "pretrain", "trials_at_once", "retries")
    shared = {
        **identity(config.pretrain, corpus_hash),
        "validation": tree["pretrain"]["validation"],
    }
    return {**{key: tree[key] for key in tree if key not in placement}, "pretrain": shared}


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
        for value in ends(entry):
            with_values(config.pretrain, {key: value}, where=f"space.{key}")


def ends(entry: SpaceEntry) -> Sequence[Any]:
    """The values that show whether a range fits: its ends, or every choice."""
    found = entry.choice or entry.integers or entry.uniform or entry.loguniform
    assert found is not None
    return found


def check_objective(config: SweepConfig, languages: Sequence[str]) -> None:
    """Raise InputError if no run logs a metric of this name."""
    known = metric_names(languages)
    if config.objective not in known:
        close = difflib.get_close_matches(config.objective, known, n=3, cutoff=0.0)
        raise InputError(
            f"objective {config.objective!r} is never reported; did you mean {', '.join(close)}?"
        )


def trial_count(config: SweepConfig) -> int:
    """How many trials a sweep has."""
    return config.trials or math.prod(len(ends(entry)) for entry in config.space.values())


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


def trial_name(config: SweepConfig, trial_id: str) -> str:
    """The name of the run of a trial."""
    return f"{config.name}-{trial_id}"


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


def objective_curve(entries: list[journal.Entry], objective: str) -> list[tuple[int, float]]:
    """Steps and the objective there, at every validation after a step.

    A metric of training counts as of the step before the validation.
    """
    curve, latest = [], None
    for entry in entries:
        latest = entry.values.get(objective, latest) if entry.kind != "event" else latest
        if entry.kind == "validation" and entry.step and latest is not None:
            curve.append((entry.step, float(latest)))
    return curve
