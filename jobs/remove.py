"""Remove pre-training runs with their checkpoints, models and copies."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.command_lines import remove_parser
from clism_ray.errors import InputError
from clism_ray.passwords import masked
from clism_ray.train.removal import copies_of, remove_run


def remove(given: argparse.Namespace) -> None:
    places = {name: copies_of(given.storage, name) for name in given.names}
    told = {
        name: f", with its copies in {masked(place)}" for name, place in places.items() if place
    }
    if not given.yes:
        names = ", ".join(name + told.get(name, "") for name in given.names)
        raise InputError(f"nothing was removed; give --yes to remove {names}")
    for name in given.names:
        print(f"removing {name}{told.get(name, '')}", flush=True)
        gone = remove_run(given.storage, name)
        size = f"{gone.files} files, {gone.bytes / 2**20:,.1f} MiB"
        print(f"removed {gone.folder} ({size}); its run in MLflow stays", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    given = remove_parser(__doc__).parse_args(arguments)
    return exit_code(lambda: remove(given))


if __name__ == "__main__":
    sys.exit(main())
