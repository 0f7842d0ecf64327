"""Pre-train an encoder with CLISM + CACR + MLM on a prepared corpus."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config import PretrainConfig
from clism_ray.report.outcome import print_result
from clism_ray.train.driver import pretrain


def action(config: PretrainConfig) -> None:
    print_result(pretrain(config))


if __name__ == "__main__":
    sys.exit(run_job(__doc__, PretrainConfig, action))
