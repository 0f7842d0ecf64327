"""The default aligner on sentences that people aligned."""

import os
from pathlib import Path

import pytest

from clism_ray.config_alignment import GoldFiles, ScoreAlignersConfig
from clism_ray.config_corpus import CorpusFiles
from clism_ray.report.alignment import Row, score_aligners

pytestmark = [pytest.mark.realdata, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def held_out() -> Row:
    if "CLISM_DATA" not in os.environ:
        pytest.skip("CLISM_DATA names no folder of real text")
    data = Path(os.environ["CLISM_DATA"])
    training = CorpusFiles(
        name="mixed",
        format="tsv",
        path=str(data / "parallel" / "en-fr.tsv.gz"),
        source_language="en",
        target_language="fr",
        source_column=1,
        target_column=2,
    )
    gold = GoldFiles(
        name="en-fr",
        format="wpt",
        path=str(data / "align" / "gold.en-fr.src-tgt.gz"),
        links_path=str(data / "align" / "gold.en-fr.links.gz"),
        tuned_on="even",
        training=(training,),
    )
    config = ScoreAlignersConfig(output="unused", gold=(gold,), fit_pairs=10_000, resamples=200)
    return next(row for row in score_aligners(config) if not row.tuned_on)


def test_projected_names_and_numbers_are_right(held_out: Row) -> None:
    assert held_out.names > 100
    assert held_out.estimates["names_precision"].value >= 0.95
    assert held_out.estimates["names_f1"].value >= 0.8  # an eighth of the data; 0.9 with all of it


def test_links_are_better_than_a_table_alone_gives(held_out: Row) -> None:
    assert held_out.estimates["aer"].value < 0.2
