"""Write a prepared corpus of aligned sentence pairs from parallel text."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus.card import CARD_HTML
from clism_ray.corpus.copies import check_reached, copy_corpus
from clism_ray.corpus.prepare import prepare
from clism_ray.report.corpus_page import draw


def run(config: PrepareConfig) -> None:
    if config.copy_to:
        check_reached(config.copy_to)
    manifest = prepare(config, draw)
    train, dev = (
        sum(sum(shard.rows_per_group) for shard in split)
        for split in (manifest.train, manifest.dev)
    )
    output = Path(config.output).expanduser()
    if config.copy_to:
        copy_corpus(output, config.copy_to)
    print(f"{output}: {train:,} pairs to train on, {dev:,} held out; see {output / CARD_HTML}")


if __name__ == "__main__":
    sys.exit(run_job(__doc__, PrepareConfig, run))
