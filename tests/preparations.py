"""A preparation of every stage, for two unequal language pairs; whether outputs are the same."""

import gzip
import json
import random
import time
from pathlib import Path

from clism_ray.corpus.unfinished import folder_of

FEW_LINES = {"de": 400, "es": 100}


def write_corpus(folder: Path, name: str, language: str, lines: int, seed: int) -> dict[str, str]:
    choose = random.Random(seed)
    form = {"de": "wir sahen {} im {} {} .", "es": "vimos {} en {} {} ."}[language]
    path = folder / f"{name}.en-{language}.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for _ in range(lines):
            city = "".join(choose.choices("aeioudnrst", k=6)).title()
            month, year = choose.choice(("May", "June")), choose.randrange(1000, 3000)
            source = f"we saw {city} in {month} {year} ."
            file.write(f"{source}\t{form.format(city, month, year)}\n")
    languages = {"source_language": "en", "target_language": language}
    return {"name": name, "format": "tsv", "path": str(path), **languages}


def write_config(folder: Path, lines: dict[str, int], shards: int) -> Path:
    """Two corpora, and dev pairs from a file and by fraction; Spanish is repeated."""
    tree = {
        "output": str(folder / "prepared"),
        "corpora": [write_corpus(folder, "a", lang, n, 1) for lang, n in lines.items()],
        "dev": {"corpora": [write_corpus(folder, "dev", "de", 50, 2)], "fraction": 0.1},
        "sampling": {"temperature": 3},
        "shards": shards,
        "window_rows": 500,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(tree))
    return path


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_same_and_tidy(output: Path, undisturbed: Path) -> None:
    found, wanted = content(output), content(undisturbed)
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert not folder_of(output).exists()
    output.rename(output.parent / f"done-{time.monotonic_ns()}")
