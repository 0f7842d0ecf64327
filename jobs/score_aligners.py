"""Score word aligners and the projection of spans on gold links."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config_alignment import ScoreAlignersConfig
from clism_ray.corpus.linkers import load_encoder
from clism_ray.places import made_folder
from clism_ray.report.alignment import Row, score_aligners
from clism_ray.report.alignment_table import to_markdown, write


def score(config: ScoreAlignersConfig) -> None:
    made_folder(config.output)  # if that fails, before hours of fitting
    rows: list[Row] = []
    for row in score_aligners(config, load_encoder):
        rows.append(row)
        paths = write(config, rows)  # what is known is kept, should the job be ended
    print(to_markdown(rows, config.confidence))
    print("\n".join(map(str, paths)))


if __name__ == "__main__":
    sys.exit(run_job(__doc__, ScoreAlignersConfig, score))
