"""What a sweep searches: dotted keys, their values, the runs that come of them, the objective."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clism_ray.config import PretrainConfig, identity, to_tree
from clism_ray.config_file import parse
from clism_ray.config_sweep import TESTED, SweepConfig
from clism_ray.train import journal

STEP, OBJECTIVE = "step", "objective"  # of what a trial reports

# One corpus and one store are shared by all trials, and names are the sweep's. Trials of different
# lengths could not be compared, and how many run at once is computed before any is drawn.
NOT_SEARCHED = frozenset(
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
    """The run of one trial. It lives below the sweep.

    It is validated within a step: what a validation finds decides whether it takes the next.
    """
    searched = with_values(config.pretrain, values)
    return dataclasses.replace(
        searched,
        name=name,
        storage=str(sweep_folder(config)),
        validation=dataclasses.replace(searched.validation, beside=False),
        checkpoint=dataclasses.replace(searched.checkpoint, copy_to=None),  # they go with the trial
    )


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
