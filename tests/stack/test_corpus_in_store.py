"""A prepared corpus in an S3-compatible store: copied there, and read as where it was made."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import fs

from clism_ray.corpus import rows
from clism_ray.corpus.copies import copy_corpus
from clism_ray.corpus.manifest import (
    MANIFEST,
    Manifest,
    read_manifest,
    verify_hashes,
    windows,
    write_manifest,
)
from clism_ray.corpus.rows import check_labels, read_rows
from clism_ray.errors import InputError, Unavailable
from tests.corpora import write_tiny_corpus
from tests.object_store import object_store

Store = tuple[fs.S3FileSystem, str]
SHARD = "train/shard-00001.parquet"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with object_store() as made:
        yield made


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Manifest]:
    return tmp_path / "corpus", write_tiny_corpus(tmp_path / "corpus", rows=300)


def put(store: Store, path: str, content: bytes) -> None:
    with store[0].open_output_stream(f"bucket/{path}") as file:
        file.write(content)


def test_a_copied_corpus_is_the_same_one(corpus: tuple[Path, Manifest], store: Store) -> None:
    folder, manifest = corpus
    place = f"s3://bucket/same/corpus{store[1]}"
    copy_corpus(folder, place)
    assert read_manifest(place) == manifest
    verify_hashes(place, manifest)
    for window in windows(manifest.train):
        rows = range(window.rows - 1, -1, -7)
        assert read_rows(place, window, rows) == read_rows(folder, window, rows)
    with pytest.raises(InputError, match=r"no span of s3://bucket/same.* is a 'GALAXY'"):
        check_labels(place, windows(manifest.train), ["GALAXY"])


def test_it_is_copied_once_and_never_over_another(
    corpus: tuple[Path, Manifest],
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = f"s3://bucket/once{store[1]}"
    copy_corpus(corpus[0], place)
    copy_corpus(corpus[0], place)
    assert "already copied" in capsys.readouterr().err
    write_tiny_corpus(tmp_path / "other", rows=200)
    with pytest.raises(InputError, match="another corpus is there already"):
        copy_corpus(tmp_path / "other", place)
    assert read_manifest(place) == corpus[1]


@pytest.mark.parametrize("cut", [SHARD, MANIFEST])
def test_a_copy_that_was_cut_short_is_no_corpus_until_it_is_made_whole(
    corpus: tuple[Path, Manifest], store: Store, cut: str
) -> None:
    folder, manifest = corpus
    name = f"short-{Path(cut).stem}"
    place = f"s3://bucket/{name}{store[1]}"
    put(store, f"{name}/{cut}", b'{"half')
    with pytest.raises(InputError, match=rf"s3://bucket/{name}.*no"):
        read_manifest(place)
    copy_corpus(folder, place)
    verify_hashes(place, read_manifest(place))
    assert read_manifest(place) == manifest


def test_a_file_that_was_lost_there_is_copied_again(
    corpus: tuple[Path, Manifest], store: Store
) -> None:
    place = f"s3://bucket/lost{store[1]}"
    copy_corpus(corpus[0], place)
    store[0].delete_file(f"bucket/lost/{SHARD}")
    copy_corpus(corpus[0], place)
    verify_hashes(place, read_manifest(place))


def test_equal_rows_made_elsewhere_are_the_same_corpus(
    corpus: tuple[Path, Manifest], store: Store
) -> None:
    folder, manifest = corpus
    place = f"s3://bucket/equal{store[1]}"
    copy_corpus(folder, place)
    write_manifest(folder, replace(manifest, config={"output": "another folder"}))
    copy_corpus(folder, place)
    assert read_manifest(place).content_hash == manifest.content_hash


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "shard missing"), (b"half", "4 bytes, but the manifest says")],
)
def test_a_shard_that_is_gone_or_cut_is_named(
    corpus: tuple[Path, Manifest], store: Store, content: bytes | None, said: str
) -> None:
    name = "gone" if content is None else "cut"
    place = f"s3://bucket/{name}{store[1]}"
    copy_corpus(corpus[0], place)
    if content is None:
        store[0].delete_file(f"bucket/{name}/{SHARD}")
    else:
        put(store, f"{name}/{SHARD}", content)
    with pytest.raises(InputError, match=rf"s3://bucket/{name}/{SHARD}.*: {said}"):
        read_manifest(place)


def test_a_shard_altered_to_the_same_size_is_named(
    corpus: tuple[Path, Manifest], store: Store
) -> None:
    folder, manifest = corpus
    place = f"s3://bucket/altered{store[1]}"
    copy_corpus(folder, place)
    size = (folder / SHARD).stat().st_size
    put(store, f"altered/{SHARD}", b"\0" * size)
    with pytest.raises(InputError, match=rf"altered/{SHARD}.*: its content differs"):
        verify_hashes(place, read_manifest(place))
    last = windows(manifest.train)[-1]
    with pytest.raises(InputError, match=rf"altered/{SHARD}.*: row group {last.group} cannot"):
        read_rows(place, last, [0])


def test_a_store_that_does_not_answer_is_told_apart_from_a_corpus_that_is_not_there(
    corpus: tuple[Path, Manifest], store: Store
) -> None:
    away = "s3://bucket/corpus?endpoint_override=http://127.0.0.1:9"
    with pytest.raises(Unavailable, match="cannot be reached"):
        read_manifest(away)
    with pytest.raises(Unavailable, match="cannot be reached"):
        copy_corpus(corpus[0], away)
    assert (corpus[0] / MANIFEST).is_file()


def test_a_store_that_fails_is_asked_again_and_a_disk_is_not(
    corpus: tuple[Path, Manifest], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, manifest = corpus
    place = f"s3://bucket/failing{store[1]}"
    copy_corpus(folder, place)
    window = windows(manifest.train)[0]
    real, failures = rows._row_group, iter([OSError("503"), OSError("reset")])

    def failing(corpus: str, path: str, group: int) -> object:
        if error := next(failures, None):
            raise error
        return real(corpus, path, group)

    monkeypatch.setattr(rows, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(rows, "_row_group", failing)
    assert read_rows(place, window, [3]) == read_rows(folder, window, [3])
    failures = iter([OSError("input/output error")])
    with pytest.raises(InputError, match=r"input/output error.*restore the shard"):
        read_rows(folder, windows(manifest.train)[1], [0])
    failures = iter([OSError("503")] * 3)
    with pytest.raises(InputError, match=r"503.*wait until its storage answers"):
        read_rows(place, windows(manifest.train)[1], [0])


def test_a_place_that_can_only_be_read_is_refused(
    corpus: tuple[Path, Manifest], store: Store
) -> None:
    web = store[1].removeprefix("?endpoint_override=") + "/nowhere"
    with pytest.raises(InputError, match=r"files cannot be written there.*is complete"):
        copy_corpus(corpus[0], web)
