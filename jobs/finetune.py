"""Fine-tune an encoder for questions or entities, and test it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config_tasks import FinetuneConfig
from clism_ray.finetune.driver import finetune
from clism_ray.report.cell import print_cell


def action(config: FinetuneConfig) -> None:
    print_cell(finetune(config))


if __name__ == "__main__":
    sys.exit(run_job(__doc__, FinetuneConfig, action))
