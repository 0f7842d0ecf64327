"""Tell whether a run used each row of its corpus exactly once an epoch, whatever failed in it."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.command_lines import audit_parser
from clism_ray.errors import RunFailed
from clism_ray.train.audit import audit
from clism_ray.train.known_run import known_run


def audit_run(given: argparse.Namespace) -> None:
    found = audit(known_run(given.storage, given.name))
    used = f"{found.steps:,} steps used {found.rows:,} rows, {found.epochs:.2f} epochs"
    if found.against:
        print("\n".join(found.against))
        raise RunFailed(f"{given.name}: {used}, and not each row once an epoch: see above")
    print(f"{given.name}: {used}, each row once an epoch")


def main() -> int:
    given = audit_parser(__doc__).parse_args()
    return exit_code(lambda: audit_run(given))


if __name__ == "__main__":
    sys.exit(main())
