"""Preparation with several finders of spans, on a local Ray cluster."""

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.manifest import Manifest
from clism_ray.corpus.prepare import prepare
from clism_ray.errors import InputError
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.records import AlignedPair, from_row
from tests.token_classifiers import write_classifier

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster"), pytest.mark.timeout(180)]

CITIES = "Rome Oslo Lima Bonn Cairo Delhi Hanoi Paris Quito Riga Sofia Tokyo".split()
TEXTS = [
    (f"we saw {city} with great joy in {year} .", f"wir sahen {city} im Jahr {year} .")
    for n, city in enumerate(CITIES * 8)
    for year in (1100 + 7 * n,)
]


def settings(folder: Path, output: str = "prepared", **spans: Any) -> PrepareConfig:
    (folder / "a.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in TEXTS), encoding="utf-8")
    corpus = {"name": "a", "format": "tsv", "path": str(folder / "a.tsv")}
    languages = {"source_language": "en", "target_language": "de"}
    tree = {"output": str(folder / output), "corpora": [corpus | languages], "shards": 2}
    return parse(PrepareConfig, tree | {"spans": spans})


def rows(config: PrepareConfig, manifest: Manifest) -> list[AlignedPair]:
    folder = Path(config.output)
    return [
        from_row(row) for s in manifest.train for row in pq.read_table(folder / s.path).to_pylist()
    ]


def test_a_model_a_list_a_rule_and_n_grams_find_spans_together(
    ray_cluster: None, tmp_path: Path
) -> None:
    write_classifier(tmp_path / "model", train_tokenizer([s for s, _ in TEXTS], 200))
    (tmp_path / "places.txt").write_text("Rome\tcapital\nOslo\ngreat joy\n", encoding="utf-8")
    finders = {
        "finders": ["gazetteer", "names_and_numbers", "token_classification", "ngrams"],
        "gazetteer": {"path": str(tmp_path / "places.txt"), "label": "place"},
        "token_classification": {"model": str(tmp_path / "model")},
    }
    config = settings(tmp_path, **finders)
    manifest = prepare(config)
    labels: dict[str, set[str]] = {}
    for row in rows(config, manifest):
        for span in row.spans:
            labels.setdefault(span.label, set()).add(
                row.source[span.source_start : span.source_end]
            )
            is_rule = span.label in ("capital", "place", "name", "number")
            assert (span.confidence == 1) or (not is_rule and 0 < span.confidence < 1)
    assert labels["capital"] == {"Rome"}
    assert labels["place"] >= {"Oslo"}
    assert labels["name"] == set(CITIES) - {"Rome", "Oslo"}
    assert labels["number"]
    assert set(labels) & {"PER", "LOC", "ngram"}

    again = settings(tmp_path, "again", **finders)
    one = dataclasses.replace(again, resources=dataclasses.replace(again.resources, max_tasks=1))
    assert prepare(one).content_hash == manifest.content_hash
    (tmp_path / "places.txt").write_text("Rome\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"spans\.gazetteer\.path: '[0-9a-f]{64}' -> '"):
        prepare(config)


@pytest.mark.parametrize(
    ("spans", "complaint"),
    [
        ({"finders": ["gazetteer"], "gazetteer": {"path": "none.txt"}}, "none.txt: no such file"),
        (
            {"finders": ["token_classification"], "token_classification": {"model": "/none/there"}},
            "spans.token_classification: '/none/there' cannot be loaded",
        ),
    ],
)
def test_finders_that_cannot_work_are_refused_before_anything_is_written(
    ray_cluster: None, tmp_path: Path, spans: Any, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        prepare(settings(tmp_path, **spans))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tsv"]


def test_a_gpu_that_no_node_has_is_asked_for_in_vain_before_any_work(
    ray_cluster: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_classifier(tmp_path / "model", train_tokenizer([s for s, _ in TEXTS], 200))
    config = settings(
        tmp_path,
        finders=["token_classification"],
        token_classification={"model": str(tmp_path / "model")},
    )
    config = dataclasses.replace(
        config, resources=dataclasses.replace(config.resources, gpus_per_task=64)
    )
    with pytest.raises(InputError, match=r"gpus_per_task is 64, but no node .* more than 0 GPU"):
        prepare(config)
    assert "take in" not in capsys.readouterr().err
