"""What jobs share: `jobs/X.py --config FILE a.b=c ... [--check]`, errors, exit codes."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from clism_ray import garbage
from clism_ray.config import PretrainConfig
from clism_ray.config_file import load, to_yaml, value_of
from clism_ray.errors import InputError, RunFailed, RunStopped
from clism_ray.passwords import masked

garbage.collect_seldom()  # what jobs import comes after it

ConfigT = TypeVar("ConfigT")

FAILED = 1
BAD_INPUT = 2  # also argparse's exit code
STOPPED = 75  # EX_TEMPFAIL: there is work left, and the same command goes on
INTERRUPTED = 130  # as a shell reports Ctrl-C


def run_job(
    description: str,
    kind: type[ConfigT],
    action: Callable[[ConfigT], None],
    arguments: Sequence[str] | None = None,
) -> int:
    """Load a configuration of the given kind, hand it to `action`, and return the exit code.

    With `--check` the resolved configuration is printed and nothing is run. `arguments` default to
    those of the command line. Errors end as in `exit_code`.
    """
    given = _parser(description, kind).parse_intermixed_args(arguments)

    def load_and_act() -> None:
        path = given.config or best_of_sweep(given.from_sweep, given.overrides)
        config = load(kind, path, given.overrides)
        if given.check:
            sys.stdout.write(to_yaml(config))
        else:
            action(config)

    return exit_code(load_and_act)


def exit_code(action: Callable[[], None]) -> int:
    """Act, and return the exit code.

    An InputError, a RunFailed or a RunStopped is printed without a traceback, and without the
    passwords of the URIs that it names; any other exception is a defect and passes through.
    """
    try:
        action()
    except InputError as error:
        print(masked(str(error)), file=sys.stderr)
        return BAD_INPUT
    except RunFailed as error:
        print(masked(str(error)), file=sys.stderr)
        return FAILED
    except RunStopped as error:
        print(masked(str(error)), file=sys.stderr)
        return STOPPED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def best_of_sweep(name: str, overrides: Sequence[str] = ()) -> Path:
    """The file with the winning configuration of a sweep; InputError if there is none."""
    default = PretrainConfig.__dataclass_fields__["storage"].default
    given = [text for text in overrides if text.startswith("storage=")]
    storage = str(value_of(given[-1])) if given else str(default)
    sweeps = Path(storage).expanduser() / "sweeps"
    path = sweeps / name / "best.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in sweeps.glob("*/best.yaml")))
        raise InputError(
            f"--from-sweep {name}: there is no {path}; finished sweeps there: {known or 'none'}. "
            "Run the sweep to its end, or name its storage with storage=..."
        )
    return path


def _parser(description: str, kind: type) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", metavar="FILE", help="YAML; see configs/")
    if kind is PretrainConfig:
        source.add_argument(
            "--from-sweep", metavar="NAME", help="the configuration that won a sweep"
        )
    parser.add_argument(
        "--check", action="store_true", help="print the resolved configuration and stop"
    )
    parser.add_argument(
        "overrides", metavar="a.b=c", nargs="*", help="set one key, over what the file says"
    )
    return parser
