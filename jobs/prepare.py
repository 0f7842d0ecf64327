"""Parallel text to a prepared corpus: jobs/prepare.py --config FILE a.b=c [--check]."""

import sys
from pathlib import Path

from clism_ray.cli import run_job
from clism_ray.config import PrepareConfig
from clism_ray.corpus.card import CARD_HTML
from clism_ray.corpus.prepare import prepare


def action(config: PrepareConfig) -> None:
    """Prepare, and say where it is."""
    manifest = prepare(config)
    rows = [sum(sum(s.rows_per_group) for s in split) for split in (manifest.train, manifest.dev)]
    output = Path(config.output).expanduser()
    print(
        f"{output}: {rows[0]:,} pairs to train on, {rows[1]:,} held out; see {output / CARD_HTML}"
    )


if __name__ == "__main__":
    sys.exit(run_job("Write a prepared corpus of aligned sentence pairs.", PrepareConfig, action))
