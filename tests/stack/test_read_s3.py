"""Corpora in an S3-compatible store, on a server of this machine."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clism_ray.corpus.files import content, file_names, files_of
from clism_ray.corpus.read import read_pairs
from clism_ray.corpus.storage import sha256
from tests.object_store import object_store
from tests.parallel_text import corpus, refusal, texts, write


@pytest.fixture(scope="module")
def options() -> Iterator[str]:
    """What a URI must end in for the server, which holds a bucket with some files."""
    with object_store() as (store, options):
        for name, text in FILES.items():
            with store.open_output_stream(f"bucket/{name}", compression=None) as file:
                file.write(text)
        yield options


def as_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"translation": [{"en": "four", "de": "vier"}]}), sink)
    return sink.getvalue().to_pybytes()


FILES = {
    "text/a.tsv.gz": gzip.compress(b"one\teins\n"),
    "text/b c.tsv.zst": pa.compress(b"two\tzwei\n\xff\tx\n", "zstd", asbytes=True),
    "text/_SUCCESS": b"",
    "text/deep/d.tsv": b"three\tdrei\n",
    "moses/x.en": b"one\ntwo\n",
    "moses/x.de": b"eins\nzwei\n",
    "rows.parquet": as_parquet(),
    "cut.tsv.gz": gzip.compress(b"one\teins\n")[:-9],
}


def test_folders_patterns_and_files_are_read_like_local_ones(options: str) -> None:
    expected = [("one", "eins"), ("two", "zwei"), "undecodable"]
    assert texts(corpus("s3://bucket/text" + options, "tsv")) == expected
    assert texts(corpus("s3://bucket/text/*.tsv*" + options, "tsv")) == expected
    assert texts(corpus("s3://bucket/**/d.tsv" + options, "tsv")) == [("three", "drei")]
    files = corpus("s3://bucket/text/b c.tsv.zst" + options, "tsv")
    assert [entry.origin.file for entry in read_pairs(files)] == ["b c.tsv.zst"] * 2
    assert texts(corpus("s3://bucket/rows.parquet" + options, "parquet")) == [("four", "vier")]
    files = corpus(
        "s3://bucket/moses/*.en" + options,
        "moses",
        target_path="s3://bucket/moses/*.de" + options,
    )
    assert texts(files) == [("one", "eins"), ("two", "zwei")]


def test_the_hash_is_that_of_the_same_file_on_disk(options: str, tmp_path: Path) -> None:
    (files,) = files_of(corpus("s3://bucket/text/a.tsv.gz" + options, "tsv"))
    path = tmp_path / "a"
    path.write_bytes(FILES["text/a.tsv.gz"])
    assert content(files, files.path) == (path.stat().st_size, sha256(str(path)))
    assert file_names([files]) == [("a.tsv.gz",)]


def test_what_cannot_be_used_there_is_refused(options: str, tmp_path: Path) -> None:
    for place in ("text/no.tsv", "text/no*.tsv", "no"):
        path = f"s3://bucket/{place}{options}"
        assert f"corpus 'c': {path}: no " in refusal(corpus(path, "tsv"))
    path = f"s3://bucket/cut.tsv.gz{options}"
    assert f"{path}: cannot be read after line " in refusal(corpus(path, "tsv"))
    local = write(tmp_path / "x.de", b"eins\n")
    files = corpus("s3://bucket/moses/x.en" + options, "moses", target_path=str(local))
    assert "has 2 lines" in refusal(files)
