"""Preparation that keeps out near duplicates and what evaluation sets hold."""

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.card import CARD
from clism_ray.corpus.manifest import Manifest, read_manifest, windows
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.rows import read_rows
from clism_ray.errors import InputError

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster"), pytest.mark.timeout(180)]

CITIES = "Rome Oslo Lima Bonn Cairo Delhi Hanoi Paris Quito Riga Sofia Tokyo".split()
ANIMALS = "dogs hens owls cows pigs rats bees ants eels".split()
EVALUATED = "some said that in Rome the many dogs were never seen before noon"
ALIKE = ("one of many sentences about a walk in Lima", "einer von vielen sätzen über Lima")


def pairs() -> list[tuple[str, str]]:
    """Different enough pairs; one is evaluated, one comes in nine versions, one twice."""
    found = [
        (f"{animal * n} {city}, {n * n * 77} and {city[::-1]}", f"{city} {n * n * 77} {city[::-1]}")
        for n, city in enumerate(CITIES, 1)
        for animal in ANIMALS
    ]
    found += [(f"as {EVALUATED}, they say", f"wie man in Rome sagt {'so ' * n}") for n in range(3)]
    found += [(f"{ALIKE[0]}{'!' * n}", ALIKE[1]) for n in range(9)]
    return [*found, (ALIKE[0] + "!", ALIKE[1])]


def configuration(folder: Path, **settings: Any) -> PrepareConfig:
    folder.mkdir(exist_ok=True)
    text = "".join(f"{source}\t{target}\n" for source, target in pairs())
    (folder / "a.tsv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "test.txt").write_text(f"{EVALUATED}\nnobody said this in any pair of the corpus\n")
    corpus = {"name": "a", "format": "tsv", "path": str(folder / "a.tsv.gz")}
    cleaning = {
        "near_duplicates": 0.8,
        "max_length_ratio": 100.0,
        "decontaminate": {"files": [str(folder / "*.txt")]},
    }
    tree = {
        "output": str(folder / "prepared"),
        "corpora": [{**corpus, "source_language": "en", "target_language": "de"}],
        "cleaning": cleaning,
        **settings,
    }
    return parse(PrepareConfig, tree)


def texts(config: PrepareConfig) -> list[tuple[str, str]]:
    folder = Path(config.output)
    return [
        (row.source, row.target)
        for window in windows(read_manifest(folder).train)
        for row in read_rows(folder, window, range(window.rows))
    ]


@pytest.fixture(scope="module")
def prepared(
    ray_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PrepareConfig, Manifest]:
    config = configuration(tmp_path_factory.mktemp("one"), shards=3)
    return config, prepare(config)


def test_of_pairs_that_are_alike_one_stays(prepared: tuple[PrepareConfig, Manifest]) -> None:
    kept = texts(prepared[0])
    assert sum(source.startswith(ALIKE[0]) for source, _ in kept) == 1
    assert sum(source[0] in "dhocprbae" for source, _ in kept) > 100


def test_the_card_tells_what_was_kept_out(prepared: tuple[PrepareConfig, Manifest]) -> None:
    card = json.loads((Path(prepared[0].output) / CARD).read_text())
    counts = card["pairs"]["en-de"]
    assert (counts["near_duplicate"], counts["duplicate"], counts["contaminated"]) == (8, 1, 3)
    report = card["contamination"]["test.txt"]
    assert [report[name] for name in ("format", "texts", "texts_hit", "pairs_dropped")] == [
        *("lines", 2, 1, 3)
    ]
    assert {example["shared"] for example in report["examples"]} == {
        "some said that in rome the many dogs"
    }
    assert not any(EVALUATED in source for source, _ in texts(prepared[0]))


@pytest.mark.parametrize("shards", [1, 7])
def test_the_number_of_shards_and_tasks_does_not_show(
    prepared: tuple[PrepareConfig, Manifest], tmp_path: Path, shards: int
) -> None:
    config = configuration(tmp_path, shards=shards, resources={"cpus_per_task": 0.5})
    prepare(config)
    assert texts(config) == texts(prepared[0])


def test_another_evaluation_file_makes_another_corpus(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    path = Path(prepared[0].corpora[0].path).with_name("more.txt")
    path.write_text("more sentences to be kept out of the corpus")
    with pytest.raises(InputError, match=r"decontaminate\.files\.more\.txt: None -> '[0-9a-f]{64}"):
        prepare(prepared[0])
    path.unlink()


def test_a_damaged_evaluation_file_is_one_clear_error(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    path = tmp_path / "test.jsonl"
    path.write_text('{"question": "what is said here?"}\n{"what": 3}\n')
    cleaning = dataclasses.replace(
        config.cleaning,
        decontaminate=dataclasses.replace(config.cleaning.decontaminate, files=(str(path),)),
    )
    with pytest.raises(InputError, match=r"test\.jsonl, line 2: no text under context"):
        prepare(dataclasses.replace(config, cleaning=cleaning))
    assert not Path(config.output).exists()
