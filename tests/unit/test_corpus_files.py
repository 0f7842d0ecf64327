"""What the paths of a corpus stand for: patterns, folders, URIs; and settings that do not fit."""

from pathlib import Path
from typing import Any

import fsspec
import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.contamination import evaluation_files
from clism_ray.corpus.files import content, file_names, files_of
from clism_ray.corpus.inputs import inputs_of, settings_and_content
from clism_ray.corpus.read import read_pairs
from tests.parallel_text import corpus, refusal, texts, write


def names(path: Path | str) -> list[str]:
    return [name for (name,) in file_names(files_of(corpus(path, "tsv")))]


def test_a_pattern_stands_for_its_files_in_order_each_an_origin(tmp_path: Path) -> None:
    for name in ("b.tsv", "a.tsv.gz", ".hidden.tsv", "c.txt", "deep/d.tsv"):
        write(tmp_path / name, name.encode() + b"\tx\n")
    assert names(f"{tmp_path}/*.tsv*") == ["a.tsv.gz", "b.tsv"]
    assert names(f"{tmp_path}/**/*.tsv") == ["b.tsv", "d.tsv"]
    assert names(f"{tmp_path}/*/*.tsv") == ["d.tsv"]
    origins = [entry.origin for entry in read_pairs(corpus(f"{tmp_path}/*.tsv*", "tsv"))]
    assert [(origin.file, origin.line) for origin in origins] == [("a.tsv.gz", 1), ("b.tsv", 1)]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for name in ("opus/books/v1/x.tsv", "opus/ted/v1/x.tsv", "opus/ted/v2/y.tsv"):
        write(tmp_path / name, b"one\teins\n")
    assert names(f"{tmp_path}/opus/**/*.tsv") == ["books/v1/x.tsv", "ted/v1/x.tsv", "ted/v2/y.tsv"]
    assert names(f"{tmp_path}/opus/ted/*/*.tsv") == ["x.tsv", "y.tsv"]
    origins = [entry.origin for entry in read_pairs(corpus(f"{tmp_path}/opus/*/v1/x.tsv", "tsv"))]
    assert [origin.file for origin in origins] == ["books/v1/x.tsv", "ted/v1/x.tsv"]
    for name in ("moses/books/x.en", "moses/books/x.de", "moses/ted/x.en", "moses/ted/x.de"):
        write(tmp_path / name, b"one\n")
    pairs = corpus(f"{tmp_path}/moses/*/x.en", "moses", target_path=f"{tmp_path}/moses/*/x.de")
    assert file_names(files_of(pairs)) == [
        ("books/x.en", "books/x.de"),
        ("ted/x.en", "ted/x.de"),
    ]


def test_local_paths_come_from_the_root_and_know_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "data/a.tsv", b"a\tb\n")
    (tmp_path / "link.tsv").symlink_to(tmp_path / "data/a.tsv")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given in ("~/data/a.tsv", "~/data/*.tsv", "~/data", "data/a.tsv", "./data/*"):
        assert [files.path for files in files_of(corpus(given, "tsv"))] == [
            f"{tmp_path}/data/a.tsv"
        ]
    write(tmp_path / "text/a.txt", b"one sentence\n")
    assert [file.path for file in evaluation_files(["~/text/*.txt"])] == [f"{tmp_path}/text/a.txt"]
    assert [files.path for files in files_of(corpus("link.tsv", "tsv"))] == [f"{tmp_path}/link.tsv"]


def test_only_the_star_is_special(tmp_path: Path) -> None:
    write(tmp_path / "a[1]?+.tsv", b"a\tb\n")
    write(tmp_path / "a1b.tsv", b"a\tb\n")
    assert names(f"{tmp_path}/a[1]?*.tsv") == names(f"{tmp_path}/a[1]?+.tsv") == ["a[1]?+.tsv"]


def test_a_pattern_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "data/a.tsv", b"a\tb\n")
    monkeypatch.chdir(tmp_path)
    assert names("data/*.tsv") == names("data/a.tsv") == names("data") == ["a.tsv"]
    monkeypatch.chdir(tmp_path / "data")
    assert names("*.tsv") == names(".") == ["a.tsv"]


def test_a_folder_stands_for_the_files_in_it_but_marks_and_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.tsv", "a.tsv", "_SUCCESS", ".crc", "deep/d.tsv"):
        write(tmp_path / name, b"a\tb\n")
    assert names(tmp_path) == names(f"{tmp_path}/") == ["a.tsv", "b.tsv"]


def test_moses_files_belong_together_by_what_the_star_stands_for(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.en", f"one {name}\n".encode())
        write(tmp_path / f"{name}.de.gz", f"eins {name}\n".encode())
    files = corpus(tmp_path / "*.en", "moses", target_path=f"{tmp_path}/*.de.gz")
    assert texts(files) == [("one a", "eins a"), ("one b", "eins b")]
    write(tmp_path / "c.en", b"alone\n")
    message = refusal(files)
    assert f"{tmp_path}/c.en: no file of {tmp_path}/*.de.gz has the same part" in message
    write(tmp_path / "c.de.gz", b"allein\n")
    write(tmp_path / "d.de.gz", b"allein\n")
    assert f"{tmp_path}/d.de.gz: no file of {tmp_path}/*.en has" in refusal(files)


def test_moses_folders_hold_files_of_the_same_names(tmp_path: Path) -> None:
    write(tmp_path / "en/x.txt", b"one\n")
    write(tmp_path / "de/x.txt", b"eins\n")
    files = corpus(tmp_path / "en", "moses", target_path=str(tmp_path / "de"))
    assert texts(files) == [("one", "eins")]
    files = corpus(tmp_path / "en", "moses", target_path=str(tmp_path / "de/x.txt"))
    assert "has 1 stars, target_path" in refusal(files)


def test_what_stands_for_nothing_is_refused(tmp_path: Path) -> None:
    assert f"corpus 'c': {tmp_path}/*.tsv: no file fits the pattern" in refusal(
        corpus(f"{tmp_path}/*.tsv", "tsv")
    )
    assert "/no/*.tsv: no file fits" in refusal(corpus(f"{tmp_path}/no/*.tsv", "tsv"))
    (tmp_path / "empty").mkdir()
    assert "empty: no file in this folder" in refusal(corpus(tmp_path / "empty", "tsv"))
    assert "xx://a/b: cannot be reached (" in refusal(corpus("xx://a/b", "tsv"))


def test_a_uri_of_fsspec_is_read_like_a_path() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/corpus/b c.tsv", b"two\tzwei\n")
    memory.pipe("/corpus/a.tsv", b"one\teins\n")
    try:
        expected = [("one", "eins"), ("two", "zwei")]
        assert texts(corpus("memory://corpus/*.tsv", "tsv")) == expected
        assert names("memory://corpus") == ["a.tsv", "b c.tsv"]
        first = files_of(corpus("memory://corpus", "tsv"))[0]
        assert content(first, first.path)[0] == 9
        assert "memory://corpus/no.tsv: no such file" in refusal(
            corpus("memory://corpus/no.tsv", "tsv")
        )
    finally:
        memory.rm("/corpus", recursive=True)


@pytest.mark.parametrize(
    ("format", "settings", "part"),
    [
        ("tmx", {"source_column": 1}, "format tmx has no columns"),
        ("moses", {"target_path": "b", "target_column": "de"}, "format moses has no columns"),
        ("parquet", {"source_column": 2}, "format parquet takes a name as source_column"),
        ("parquet", {"source_column": "en"}, "takes a name as target_column"),
        ("huggingface", {"target_column": 4}, "format huggingface takes a name as"),
        ("parquet", {"header": True}, "header is for format tsv"),
        ("tmx", {"target_path": "b"}, "target_path belongs to format moses"),
        ("parquet", {"split": "train"}, "split is for format huggingface; got parquet"),
        ("tsv", {"subset": "de-en"}, "subset is for format huggingface; got tsv"),
    ],
)
def test_settings_that_do_not_fit_the_format_are_refused(
    tmp_path: Path, format: str, settings: dict[str, Any], part: str
) -> None:
    assert part in refusal(corpus(write(tmp_path / "a", b"a\tb\n"), format, **settings))


def test_a_pattern_is_the_same_preparation_as_its_files_one_by_one(tmp_path: Path) -> None:
    for name in ("a.tsv", "b.tsv"):
        write(tmp_path / name, b"a\tb\n")

    def made_of(*paths: str) -> dict[str, Any]:
        one = {"name": "c", "format": "tsv", "source_language": "en", "target_language": "de"}
        corpora = [{**one, "path": str(tmp_path / path)} for path in paths]
        config = parse(PrepareConfig, {"output": "o", "corpora": corpora})
        inputs = inputs_of(config)
        assert [entry.number for entry in inputs] == [0, 1]
        hashes = {entry.files.path: Path(entry.files.path).name for entry in inputs}
        return settings_and_content(config, inputs, hashes)

    assert made_of("*.tsv") == made_of("b.tsv", "a.tsv")
    assert sorted(made_of("*.tsv")["corpora"]) == ["c/a.tsv", "c/b.tsv"]
