"""Sentences of real evaluation sets, planted in real pairs, are found; others mostly stay."""

import gzip
import os
import random
from pathlib import Path
from typing import Any

import pytest

from clism_ray.corpus.clean import normalise
from clism_ray.corpus.contamination import (
    contaminated,
    evaluation_files,
    merge_runs,
    note_hits,
    note_runs,
    report,
)
from clism_ray.corpus.evaluation_texts import texts_of
from clism_ray.corpus.intake import key
from clism_ray.corpus.word_runs import runs

pytestmark = pytest.mark.realdata

NGRAM = 8
PLANTED = 200  # texts of each file
TEXTS = {  # of each file: contexts and questions, or sentences, each once
    **{"xquad-dev.en.json.gz": 747, "xquad-dev.de.json.gz": 744, "xquad-dev.zh.json.gz": 744},
    **{"xquad-dev.ar.json.gz": 748, "xquad-dev.hi.json.gz": 746, "uner.de-pud.iob2.gz": 1000},
    **{"uner.zh-pud.iob2.gz": 1000, "uner.en-ewt.test.iob2.gz": 1971},
}


def pair(number: int, source: str, target: str) -> dict[str, Any]:
    texts = normalise(source), normalise(target)
    return {
        **{"key": key("en", "de", *texts), "source": texts[0], "target": texts[1]},
        **{"corpus": "c", "file": "f", "line": number},
    }


@pytest.fixture(scope="module")
def real() -> Path:
    if "CLISM_DATA" not in os.environ:
        pytest.skip("CLISM_DATA names no folder of real text")
    return Path(os.environ["CLISM_DATA"])


@pytest.fixture(scope="module")
def pairs(real: Path) -> list[dict[str, Any]]:
    with gzip.open(real / "parallel" / "en-de.tsv.gz", "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    return [pair(n, *lines[n][1:]) for n in range(0, len(lines), 10)]


def test_planted_texts_are_found_and_the_report_counts_them(
    real: Path, pairs: list[dict[str, Any]], tmp_path: Path
) -> None:
    patterns = [
        f"{real}/qa/xquad-dev.*.json.gz",
        *(f"{real}/ner/*{n}.iob2.gz" for n in ("pud", "test")),
    ]
    files = [file for file in evaluation_files(patterns) if file.name in TEXTS]
    noted = {file.name: note_runs(tmp_path, NGRAM, n, file) for n, file in enumerate(files)}
    assert noted == TEXTS
    merge_runs(tmp_path)

    real_hits = contaminated(tmp_path, pairs, NGRAM)
    assert len(real_hits) < len(pairs) / 1000  # everyday sentences, such as "How are you doing?"

    planted = []
    choose = random.Random(1)
    for file in files:
        texts = texts_of(file.path, file.format)
        chosen = choose.sample(sorted(set(runs(texts, NGRAM).text_R.tolist())), PLANTED)
        for n, (at, of) in enumerate(zip(chosen, choose.sample(pairs, PLANTED), strict=True)):
            sides = [of["source"], of["target"]]
            sides[n % 2] = texts[at].upper() if n % 3 else f"« {texts[at]} »"
            planted.append(pair(-1, *sides))
    hits = contaminated(tmp_path, [*pairs, *planted], NGRAM)
    assert [hit.row for hit in hits if hit.row["line"] < 0] == planted
    assert len(hits) == len(real_hits) + len(planted)

    note_hits(tmp_path, hits, "all")
    card = report(tmp_path)
    assert {name: entry["texts"] for name, entry in card.items()} == TEXTS
    for entry in card.values():
        assert entry["texts_hit"] >= PLANTED
        assert entry["pairs_dropped"] >= PLANTED
