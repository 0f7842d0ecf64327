"""Preparation whose words an encoder links, on a local Ray cluster."""

import json
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus import sharding
from clism_ray.corpus.card import CARD
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.unfinished import folder_of
from clism_ray.errors import InputError
from clism_ray.masking.tokenizer import train_tokenizer
from tests.encoders import write_encoder

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster"), pytest.mark.timeout(180)]

CITIES = "Rome Oslo Lima Bonn Cairo Delhi Hanoi Paris Quito Riga Sofia Tokyo".split()
TEXTS = [
    (f"we saw {city} with joy in {year} .", f"with joy we saw {city}a in {year} .")
    for n, city in enumerate(CITIES * 8)
    for year in (1100 + 7 * n,)
] + [("we saw Rome " + "and Rome " * 45 + ".", "Roma " * 45)]


def settings(folder: Path, actors: int = 2, **neural: Any) -> PrepareConfig:
    (folder / "a.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in TEXTS), encoding="utf-8")
    languages = {"source_language": "en", "target_language": "nl"}
    corpus = {"name": "a", "format": "tsv", "path": str(folder / "a.tsv"), **languages}
    return parse(
        PrepareConfig,
        {
            "output": str(folder / "prepared"),
            "corpora": [corpus],
            "alignment": {
                "method": "neural",
                "neural": {"model": str(folder / "encoder"), "batch": 8, **neural},
            },
            "shards": 4,
            "resources": {"model_actors": actors},
        },
    )


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.drill
def test_interrupted_on_two_actors_it_goes_on_with_one_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = train_tokenizer([text for pair in TEXTS for text in pair], 200)
    write_encoder(tmp_path / "encoder", tokenizer, positions=80)
    config = settings(tmp_path)
    prepare(config)
    (tmp_path / "prepared").rename(tmp_path / "undisturbed")
    with monkeypatch.context() as patch:
        patch.setattr(sharding, "number", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(config)
    (pieces,) = (path for path in folder_of(tmp_path / "prepared").iterdir() if path.is_dir())
    for bucket in (1, 2):
        (pieces / "built" / "train" / f"{bucket:05d}-00.json").unlink()
    prepare(settings(tmp_path, actors=1))
    assert "by an earlier run" in capsys.readouterr().err
    found, wanted = content(tmp_path / "prepared"), content(tmp_path / "undisturbed")
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    tables = json.loads(wanted["tables/en-nl/words.json"])
    made_of = json.loads(wanted[CARD])["made_of"]["alignment"]["neural"]
    assert tables["encoder"] == made_of
    assert (len(made_of["model"]), tables["translations"]) == (64, None)
    card = json.loads(wanted[CARD])["pairs"]["en-nl"]
    assert card["too_many_tokens"] == 1
    assert card["train"] > len(TEXTS) / 2
    with pytest.raises(InputError, match=r"alignment\.neural\.layer: None -> 1"):
        prepare(settings(tmp_path, layer=1))
