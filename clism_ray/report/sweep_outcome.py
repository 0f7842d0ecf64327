"""What a sweep came to: its trials, the best one, where things are."""

from collections import Counter

from clism_ray.config_sweep import SweepConfig
from clism_ray.store import viewer_command
from clism_ray.train.progress import settings
from clism_ray.train.sweep_result import SweepResult


def print_sweep(config: SweepConfig, result: SweepResult) -> None:
    """Print the outcome of a sweep."""
    trials = result.record.trials
    values = settings(trials[result.best].values)
    over = ", ".join(
        f"{number} {status}"
        for status, number in Counter(trial.status for trial in trials.values()).items()
    )
    lines = (
        f"{len(trials)} trials: {over}",
        f"best:     {result.best}  {config.objective} {result.objective:.4g}  {values}",
        f"train it: python jobs/pretrain.py --config {result.folder / 'best.yaml'}",
        f"page:     {result.folder / 'report' / 'page.html'}",
        f"compare:  {viewer_command(result.tracking_uri)}",
    )
    print("\n".join(lines))
