"""Show random examples of a prepared corpus: questions, and where their answers are."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from rich.console import Console

from clism_ray.cli import exit_code
from clism_ray.command_lines import preview_parser
from clism_ray.corpus.choice import Wanted, choose
from clism_ray.corpus.manifest import read_manifest
from clism_ray.corpus.storage import located
from clism_ray.report.preview import show


def preview(given: argparse.Namespace) -> None:
    wanted = Wanted(
        split=given.split, language=given.language, label=given.label, min_score=given.min_score
    )
    corpus = located(given.corpus)
    examples = choose(corpus, read_manifest(corpus), wanted, given.number, given.seed)
    show(examples, Console())
    if len(examples) < given.number:
        print(f"these are all: {len(examples)} of the {given.number} asked for", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    given = preview_parser(__doc__).parse_args(arguments)
    return exit_code(lambda: preview(given))


if __name__ == "__main__":
    sys.exit(main())
