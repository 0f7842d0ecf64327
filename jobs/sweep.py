"""Search over pre-training settings with Ray Tune; one MLflow run a trial below one a sweep."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config_sweep import SweepConfig
from clism_ray.report.sweep_outcome import print_sweep
from clism_ray.train.sweep import sweep


def action(config: SweepConfig) -> None:
    print_sweep(config, sweep(config))


if __name__ == "__main__":
    sys.exit(run_job(__doc__, SweepConfig, action))
