"""Pre-train an encoder with CLISM + CACR + MLM on a prepared corpus."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config import PretrainConfig
from clism_ray.errors import RunStopped
from clism_ray.report.outcome import print_result
from clism_ray.train.driver import pretrain
from clism_ray.train.status import FINISHED


def action(config: PretrainConfig) -> None:
    result = pretrain(config)
    print_result(result)
    if result.status != FINISHED:
        raise RunStopped(f"{config.name} {result.status} before its end; the same command goes on")


if __name__ == "__main__":
    sys.exit(run_job(__doc__, PretrainConfig, action))
