"""The entry that every job shares: `jobs/X.py --config FILE a.b=c ... [--check]`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from clism_ray.config_file import load, to_yaml
from clism_ray.errors import InputError, RunFailed

ConfigT = TypeVar("ConfigT")

FAILED = 1
BAD_INPUT = 2  # also argparse's exit code
INTERRUPTED = 130  # as a shell reports Ctrl-C


def run_job(
    description: str,
    kind: type[ConfigT],
    action: Callable[[ConfigT], None],
    arguments: Sequence[str] | None = None,
) -> int:
    """Load a configuration of the given kind, hand it to `action`, and return the exit code.

    With `--check` the resolved configuration is printed and nothing is run. An InputError or a
    RunFailed is printed without a traceback; any other exception is a defect and passes through.
    `arguments` default to those of the command line.
    """
    given = _parser(description).parse_intermixed_args(arguments)
    try:
        config = load(kind, given.config, given.overrides)
        if given.check:
            sys.stdout.write(to_yaml(config))
        else:
            action(config)
    except InputError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except RunFailed as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", required=True, help="YAML; see configs/")
    parser.add_argument(
        "--check", action="store_true", help="print the resolved configuration and stop"
    )
    parser.add_argument(
        "overrides", metavar="a.b=c", nargs="*", help="set one key, over what the file says"
    )
    return parser
