"""Compare encoders on cross-lingual sequence labelling: zero-shot and few-shot, over samples."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import RunFailed
from clism_ray.finetune.grid import evaluate, told
from clism_ray.report.evaluation.report import print_evaluation


def action(config: EvaluateConfig) -> None:
    evaluation, failed = evaluate(config)
    print_evaluation(evaluation)
    if failed:
        raise RunFailed(told(failed, evaluation.planned))


if __name__ == "__main__":
    sys.exit(run_job(__doc__, EvaluateConfig, action))
