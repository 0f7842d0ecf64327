"""Preparation on lines of real text, with their noise."""

import gzip
import json
import os
from itertools import islice
from pathlib import Path

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.card import CARD
from clism_ray.corpus.manifest import windows
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.rows import read_rows

pytestmark = [pytest.mark.ray, pytest.mark.realdata]

LINES = 1500
LANGUAGES = ("de", "hi", "vi")


@pytest.fixture
def parallel() -> Path:
    if "CLISM_DATA" not in os.environ:
        pytest.skip("CLISM_DATA names no folder of real text")
    return Path(os.environ["CLISM_DATA"]) / "parallel"


def slice_of(source: Path, target: Path) -> str:
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        target.write_text("".join(islice(lines, LINES)), encoding="utf-8")
    return str(target)


@pytest.mark.usefixtures("ray_cluster")
def test_every_line_of_real_text_is_a_row_or_a_counted_reason(
    parallel: Path, tmp_path: Path
) -> None:
    corpora = [
        {
            "name": "mixed",
            "format": "tsv",
            "path": slice_of(parallel / f"en-{language}.tsv.gz", tmp_path / f"en-{language}.tsv"),
            "source_language": "en",
            "target_language": language,
            "source_column": 1,
            "target_column": 2,
        }
        for language in LANGUAGES
    ]
    tree = {
        "output": str(tmp_path / "out"),
        "corpora": corpora,
        "dev": {"fraction": 0.05},
        "shards": 2,
        "alignment": {"iterations": 2},
    }
    manifest = prepare(parse(PrepareConfig, tree))
    card = json.loads((tmp_path / "out" / CARD).read_text(encoding="utf-8"))
    for language in LANGUAGES:
        outcomes = dict(card["pairs"][f"en-{language}"])
        assert outcomes.pop("in") == LINES == sum(outcomes.values())
        assert outcomes["train"] > LINES / 10
    for shards in (manifest.train, manifest.dev):
        for window in windows(shards):
            for pair in read_rows(tmp_path / "out", window, range(window.rows)):
                for span in pair.spans:
                    assert pair.source[span.source_start : span.source_end].strip()
                    assert pair.target[span.target_start : span.target_end].strip()
