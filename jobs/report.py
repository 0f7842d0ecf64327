"""Show people what came out: of a sweep, of runs side by side, of an evaluation."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code, report_parser
from clism_ray.report import compare_page, page, runs, sweep_page
from clism_ray.report.evaluation.report import report_evaluation
from clism_ray.tracking import default_uri


def report(given: argparse.Namespace) -> None:
    storage, name = Path(given.storage).expanduser().resolve(), given.names[0]
    if given.kind == "evaluation":
        output = Path(given.output or storage / "reports" / name).expanduser()
        return report_evaluation(storage / "evaluations" / name, output)
    uri = given.uri or default_uri(storage)
    if given.kind == "sweep":
        sweep = runs.load_sweep(uri, name)
        html = sweep_page.render(sweep, sweep_page.figures(sweep))
        print(sweep_page.headline(sweep))
    else:
        compared = runs.load_runs(uri, given.names)
        html = compare_page.render(compared)
        compare_page.print_tables(compared)
    path = given.output or storage / "reports" / page.file_name(given.names)
    print(f"page: {page.save(Path(path).expanduser(), html)}")


def main(arguments: Sequence[str] | None = None) -> int:
    given = report_parser(__doc__).parse_args(arguments)
    return exit_code(lambda: report(given))


if __name__ == "__main__":
    sys.exit(main())
