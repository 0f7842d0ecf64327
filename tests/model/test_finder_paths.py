"""What a preparation looks for spans with, as its tasks find it from any folder."""

from pathlib import Path

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.finders import checked, hashes


def test_a_list_below_the_home_folder_or_this_one_has_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terms.txt").write_text("great joy\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    corpus = {"name": "c", "format": "tsv", "path": "a.tsv"}
    corpus |= {"source_language": "en", "target_language": "de"}
    for path in ("~/terms.txt", "terms.txt"):
        spans = {"finders": ["gazetteer"], "gazetteer": {"path": path}}
        config = checked(
            parse(PrepareConfig, {"output": "out", "corpora": [corpus], "spans": spans}), {"en"}
        )
        assert config.spans.gazetteer is not None
        assert config.spans.gazetteer.path == str(tmp_path / "terms.txt")
        assert list(hashes(config)) == [config.spans.gazetteer.path]
