"""Remove pre-training runs with their checkpoints and models: jobs/remove.py NAME ... --yes"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.errors import InputError
from clism_ray.train.removal import remove_run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("names", metavar="NAME", nargs="+")
    parser.add_argument("--storage", metavar="FOLDER", type=Path, default=Path("~/clism_ray"))
    parser.add_argument("--yes", action="store_true", help="without it nothing is removed")
    given = parser.parse_args()

    def act() -> None:
        if not given.yes:
            raise InputError(f"nothing was removed; give --yes to remove {', '.join(given.names)}")
        for name in given.names:
            gone = remove_run(given.storage, name)
            size = f"{gone.files} files, {gone.bytes / 2**20:,.1f} MiB"
            print(f"removed {gone.folder} ({size}); its run in MLflow stays", flush=True)

    return exit_code(act)


if __name__ == "__main__":
    sys.exit(main())
