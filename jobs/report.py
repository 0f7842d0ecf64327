"""Show people what came out: of a preparation, a sweep, runs side by side, an evaluation."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.command_lines import report_parser
from clism_ray.report import compare_page, corpus_page, page, runs, sweep_page
from clism_ray.report.evaluation.from_mlflow import report_from
from clism_ray.train.tracking_record import default_uri


def report(given: argparse.Namespace) -> None:
    if given.kind == "corpus":
        return corpus_page.report_corpus(given.folder, given.output)
    storage, name = given.storage.resolve(), given.names[0]
    reports, uri = storage / "reports", given.uri or default_uri(storage)
    if given.kind == "evaluation":
        output = given.output or reports / ".to-".join(filter(None, (name, given.baseline)))
        return report_from(given.uri, storage / "evaluations" / name, output, given.baseline)
    if given.kind == "sweep":
        sweep = runs.load_sweep(uri, name)
        print(sweep_page.headline(sweep))
        html = sweep_page.render(sweep, sweep_page.figures(sweep))
    else:
        html = compare_page.render(compared := runs.load_runs(uri, given.names))
        compare_page.print_tables(compared)
    print(f"page: {page.save(given.output or reports / page.file_name(given.names), html)}")


def main(arguments: Sequence[str] | None = None) -> int:
    return exit_code(lambda: report(report_parser(__doc__).parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
