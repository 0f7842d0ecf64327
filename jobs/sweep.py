"""Search over pre-training settings with Ray Tune; one MLflow run a trial below one a sweep."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config import SweepConfig
from clism_ray.train.sweep import sweep


def action(config: SweepConfig) -> None:
    result = sweep(config)
    print(result.best, result.objective)


if __name__ == "__main__":
    sys.exit(run_job(__doc__, SweepConfig, action))
