"""Say what a pre-training configuration will take, before anything starts: memory, time, disk."""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from rich.console import Console

from clism_ray.cli import exit_code
from clism_ray.command_lines import plan_arguments
from clism_ray.config import PretrainConfig
from clism_ray.config_file import load
from clism_ray.report.estimate import show_estimate, to_json
from clism_ray.train.estimate import Given, estimate


def main(arguments: Sequence[str] | None = None) -> int:
    given, known = plan_arguments(__doc__, arguments)

    def plan() -> None:
        config = load(PretrainConfig, given.config, given.overrides)
        found = estimate(config, Given(**known))
        if given.json:
            print(to_json(found))
        else:
            show_estimate(found, Console(width=None if Console().is_terminal else 150))

    return exit_code(plan)


if __name__ == "__main__":
    sys.exit(main())
