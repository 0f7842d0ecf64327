"""Show where a run, a sweep, an evaluation or a fine-tuning stands, from its files alone."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.command_lines import status_parser
from clism_ray.errors import RunFailed
from clism_ray.report.standing import INTERRUPTED
from clism_ray.report.standing_lines import as_json, as_lines
from clism_ray.report.standings import find
from clism_ray.train.status import FAILED


def status(given: argparse.Namespace) -> None:
    found = find(given.storage.resolve(), given.name)
    if given.json:
        print(as_json(found))
    else:
        print("\n".join(line for standing in found for line in as_lines(standing)))
    for standing in found:
        if standing.status in (FAILED, INTERRUPTED):
            raise RunFailed(f"{standing.kind} {standing.name} {standing.status}")


def main(arguments: Sequence[str] | None = None) -> int:
    given = status_parser(__doc__).parse_args(arguments)
    return exit_code(lambda: status(given))


if __name__ == "__main__":
    sys.exit(main())
