"""What jobs share: `jobs/X.py --config FILE a.b=c ... [--check]`, errors, exit codes."""

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

    With `--check` the resolved configuration is printed and nothing is run. `arguments` default to
    those of the command line. Errors end as in `exit_code`.
    """
    given = _parser(description).parse_intermixed_args(arguments)

    def load_and_act() -> None:
        config = load(kind, given.config, given.overrides)
        if given.check:
            sys.stdout.write(to_yaml(config))
        else:
            action(config)

    return exit_code(load_and_act)


def exit_code(action: Callable[[], None]) -> int:
    """Act, and return the exit code.

    An InputError or a RunFailed is printed without a traceback; any other exception is a defect
    and passes through.
    """
    try:
        action()
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


def report_parser(description: str) -> argparse.ArgumentParser:
    """The command line of `jobs/report.py`: `sweep NAME` or `compare RUN RUN ...`."""
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument(
        "--storage",
        metavar="FOLDER",
        default="~/clism_ray",
        help="holds reports/, and mlflow.db unless --uri names a store (default: %(default)s)",
    )
    places.add_argument("--uri", help="the MLflow store, as in tracking.uri")
    places.add_argument("--output", metavar="FILE", help="default: FOLDER/reports/NAME.html")
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, metavar, number, what in (
        ("sweep", "NAME", 1, "a page of one sweep"),
        ("compare", "RUN", "+", "a page of two runs or more, by name or MLflow run id"),
    ):
        added = kinds.add_parser(kind, parents=[places], help=what, description=what)
        added.add_argument("names", metavar=metavar, nargs=number)
    return parser


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
