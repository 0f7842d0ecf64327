"""The command lines of jobs that take more, or other, than a configuration."""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def report_parser(description: str) -> argparse.ArgumentParser:
    """The command line of `jobs/report.py`: `sweep`, `compare`, `evaluation` or `corpus`."""
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument(
        "--storage",
        metavar="FOLDER",
        type=_path,
        default="~/clism_ray",
        help="holds reports/, evaluations/, and mlflow.db unless --uri names a store "
        "(default: %(default)s)",
    )
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, metavar, number, what in (
        ("sweep", "NAME", 1, "a page of one sweep"),
        ("compare", "RUN", "+", "a page of two runs or more, by name or MLflow run id"),
    ):
        added = kinds.add_parser(kind, parents=[places], help=what, description=what)
        added.add_argument("names", metavar=metavar, nargs=number)
        added.add_argument("--uri", help="the MLflow store, as in tracking.uri")
        added.add_argument(
            "--output", metavar="FILE", type=_path, help="default: FOLDER/reports/NAME.html"
        )
    what = "a page and tables of an evaluation, finished or not"
    added = kinds.add_parser("evaluation", parents=[places], help=what, description=what)
    added.add_argument("names", metavar="NAME", nargs=1)
    added.add_argument(
        "--output",
        metavar="FOLDER",
        type=_path,
        help="default: reports/NAME in the storage, with a baseline reports/NAME.to-BASELINE",
    )
    added.add_argument("--uri", help="read the cells from this MLflow store, not from a folder")
    added.add_argument(
        "--baseline", metavar="MODEL", help="compare with this one, not with the configuration's"
    )
    what = "the data card of a prepared corpus as a page"
    added = kinds.add_parser("corpus", help=what, description=what)
    added.add_argument("folder", metavar="FOLDER", type=_path, help="the prepared corpus")
    added.add_argument(
        "--output", metavar="FILE", type=_path, help="default: data_card.html in the corpus"
    )
    return parser


def preview_parser(description: str) -> argparse.ArgumentParser:
    """The command line of `jobs/preview.py`: a prepared corpus, and which examples to choose."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("corpus", metavar="CORPUS", help="folder or URI of a prepared one")
    parser.add_argument("--language", metavar="XX", help='of the pair, as "de" or "en-de"')
    parser.add_argument("--label", metavar="L", help="of the span")
    parser.add_argument(
        "--split", choices=("train", "dev"), default="train", help="default: %(default)s"
    )
    parser.add_argument(
        "--number", metavar="N", type=_whole(1), default=10, help="default: %(default)s"
    )
    parser.add_argument(
        "--seed", metavar="S", type=_whole(0), default=0, help="another seed, another choice"
    )
    parser.add_argument(
        "--min-score", metavar="X", type=float, default=0.0, help="of the span's projection, 0 to 1"
    )
    return parser


def plan_arguments(
    description: str, arguments: Sequence[str] | None
) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The command line of `jobs/plan.py`, and what its user knows, by the names of `Given`."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", required=True, help="see configs/pretrain/")
    parser.add_argument("--json", action="store_true", help="for programs: bytes, seconds, FLOPs")
    parser.add_argument(
        "overrides", metavar="a.b=c", nargs="*", help="set one key, over what the file says"
    )
    known = [
        ("--pairs", _whole(1), "to train on, in place of those of the corpus"),
        ("--sentence-tokens", _positive, "of a sentence on average; default: of the corpus"),
        ("--pairs-per-second", _positive, "of the whole run, as measured; default: of its journal"),
        ("--tflops", _positive, "peak of a worker's device, such as 989 for an H100 in bf16"),
        ("--mfu", _share, "share of the peak that is reached; default: 0.35"),
        ("--gpu-gib", _positive, "memory of a GPU: tells which ZeRO stages fit"),
    ]
    for option, kind, what in known:
        parser.add_argument(option, metavar="X", type=kind, help=what)
    given = parser.parse_intermixed_args(arguments)
    names = [option.removeprefix("--").replace("-", "_") for option, _, _ in known]
    return given, {n: getattr(given, n) for n in names if getattr(given, n) is not None}


def status_parser(description: str) -> argparse.ArgumentParser:
    """The command line of `jobs/status.py`: a name, and where it lives."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("name", metavar="NAME", help="of a run, sweep, evaluation or fine-tuning")
    _add_storage(parser)
    parser.add_argument("--json", action="store_true", help="all of it, for a program")
    return parser


def audit_parser(description: str) -> argparse.ArgumentParser:
    """The command line of `jobs/audit.py`: the name of a run, and where it lives."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("name", metavar="NAME", help="of a pre-training run")
    _add_storage(parser)
    return parser


def remove_parser(description: str) -> argparse.ArgumentParser:
    """The command line of `jobs/remove.py`: names, and the word that it is meant."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("names", metavar="NAME", nargs="+", help="of pre-training runs")
    _add_storage(parser)
    parser.add_argument("--yes", action="store_true", help="without it nothing is removed")
    return parser


def _add_storage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--storage",
        metavar="FOLDER",
        type=_path,
        default="~/clism_ray",
        help="as in the configuration (default: %(default)s)",
    )


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _whole(lowest: int) -> Callable[[str], int]:
    """Reads a whole number from `lowest` on."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"expected a number from {lowest} on, got {text!r}")
        return int(text)

    return read


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _share(text: str) -> float:
    number = _positive(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, such as 0.35, got {text}")
    return number


def answer_arguments(description: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line of `jobs/answer.py`: a question and a passage, or a file of questions."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument(
        "--model",
        metavar="FOLDER",
        required=True,
        help="exported by fine-tuning, or the best or last of a pre-training run",
    )
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--question", metavar="TEXT")
    asked.add_argument(
        "--questions", metavar="FILE", help="SQuAD JSON, or JSON lines; plain or .gz"
    )
    passage = parser.add_mutually_exclusive_group()
    passage.add_argument("--passage", metavar="TEXT", help="where the question's answer stands")
    passage.add_argument("--passage-file", metavar="FILE", help="the same, UTF-8")
    parser.add_argument(
        "--output", metavar="FILE", help="predictions for --questions (default: predictions.json)"
    )
    parser.add_argument(
        "--language", help="of the passages of --questions, for MLQA's rules of scoring"
    )
    parser.add_argument("--device", help="cpu, cuda ... (default: cuda if there is one)")
    given = parser.parse_args(arguments)
    has_passage = given.passage is not None or given.passage_file is not None
    if has_passage is (given.question is None):
        parser.error("--question takes one of --passage and --passage-file, --questions neither")
    if given.question is not None and (given.output or given.language):
        parser.error("--output and --language go with --questions")
    return given
