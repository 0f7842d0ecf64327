"""What a sweep came to: its best trial, ready for `pretrain`, and the page that people look at."""

import dataclasses
import math
from pathlib import Path

from clism_ray.config_file import to_yaml
from clism_ray.config_sweep import SweepConfig
from clism_ray.errors import RunFailed
from clism_ray.report import sweep_page
from clism_ray.report.importance import importance
from clism_ray.report.runs import load_sweep
from clism_ray.train.space import curve_of, sweep_folder, with_values
from clism_ray.train.status import FINISHED, STOPPED_EARLY
from clism_ray.train.sweep_record import SweepRecord
from clism_ray.train.tracking_record import keepable


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepResult:
    """Where a sweep stands and what it left."""

    folder: Path
    record: SweepRecord
    best: str  # name of the best trial
    objective: float  # its last one
    tracking_uri: str


def result_of(config: SweepConfig, record: SweepRecord, uri: str) -> SweepResult:
    """The best trial by its last objective: of those that finished, if any did.

    Raises RunFailed if no trial came to a result.
    """
    last = _last_values(config, record, FINISHED) or _last_values(config, record, STOPPED_EARLY)
    if not last:
        problems = sorted({trial.problem for trial in record.trials.values() if trial.problem})
        raise RunFailed(
            f"none of the {len(record.trials)} trials of {config.name!r} came to a result: "
            + "; ".join(problems)
        )
    best = (max if config.mode == "max" else min)(last, key=lambda name: last[name])
    return SweepResult(
        folder=sweep_folder(config),
        record=record,
        best=best,
        objective=last[best],
        tracking_uri=uri,
    )


def _last_values(config: SweepConfig, record: SweepRecord, status: str) -> dict[str, float]:
    """The last objective of each trial of a status, where it is a number."""
    ended = [name for name, trial in record.trials.items() if trial.status == status]
    curves = {name: curve_of(sweep_folder(config), name, config.objective) for name in ended}
    return {
        name: curve[-1][1]
        for name, curve in curves.items()
        if curve and math.isfinite(curve[-1][1])
    }


def write_best(config: SweepConfig, result: SweepResult) -> Path:
    """Write the winning configuration as a file for `pretrain`.

    A store's address with a password in it is left out: give it again with tracking.uri=...
    """
    values = result.record.trials[result.best].values
    winner = with_values(config.pretrain, {**values, "name": f"{config.name}-best"})
    if keepable(winner) != winner:
        winner = with_values(winner, {"tracking.uri": None})
    path = result.folder / "best.yaml"
    path.write_text(
        f"# python jobs/pretrain.py --config {path}\n"
        f"# {result.best}: {config.objective} {result.objective:.6g}, the best of "
        f"{len(result.record.trials)} trials.\n" + to_yaml(winner),
        encoding="utf-8",
    )
    return path


def write_report(config: SweepConfig, result: SweepResult) -> tuple[dict[str, float], list[Path]]:
    """Write the page and its figures; what the sweep's own run logs, and the files."""
    told = load_sweep(result.tracking_uri, config.name)
    files = sweep_page.write(told, result.folder / "report")
    shares = {f"importance/{key}": share for key, share in (importance(told) or {}).items()}
    return {f"best/{config.objective}": result.objective, **shares}, list(files.values())
