"""The manifest of a prepared corpus reads back; a corpus that differs from it is refused."""

import dataclasses
import json
from pathlib import Path

import pytest

from clism_ray.corpus import manifest as manifests
from clism_ray.corpus.manifest import FORMAT_VERSION, MANIFEST, Manifest, Shard
from clism_ray.errors import InputError


def shard(folder: Path, name: str, content: bytes, rows_per_group: tuple[int, ...]) -> Shard:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return Shard(
        path=name,
        sha256=manifests.file_sha256(path),
        bytes=len(content),
        rows_per_group=rows_per_group,
    )


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Manifest]:
    train = (
        shard(tmp_path, "train/shard-00000.parquet", b"first rows", (2000, 2000, 17)),
        shard(tmp_path, "train/shard-00001.parquet", b"more rows", (2000, 3)),
    )
    dev = (shard(tmp_path, "dev/shard-00000.parquet", b"held out", (500,)),)
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        content_hash=manifests.content_hash(train, dev),
        language_pairs=("en-de", "en-zh"),
        train=train,
        dev=dev,
        licences={"nachrichten-ü": "CC BY 4.0"},
        tables={"en-de": "ab" * 32, "en-zh": "cd" * 32},
        config={"output": "there", "cleaning": {"max_words": 100}},
    )
    manifests.write_manifest(tmp_path, manifest)
    return tmp_path, manifest


def altered(folder: Path, **changes: object) -> None:
    path = folder / MANIFEST
    tree = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**tree, **changes}), encoding="utf-8")


def test_a_written_manifest_reads_back_equal(corpus: tuple[Path, Manifest]) -> None:
    folder, manifest = corpus
    assert manifests.read_manifest(folder) == manifest


def test_an_untouched_corpus_passes_the_hash_check(corpus: tuple[Path, Manifest]) -> None:
    folder, manifest = corpus
    manifests.verify_hashes(folder, manifest)


def test_windows_are_the_row_groups_in_row_order(corpus: tuple[Path, Manifest]) -> None:
    _, manifest = corpus
    first, second = "train/shard-00000.parquet", "train/shard-00001.parquet"
    assert manifests.windows(manifest.train) == [
        (first, 0, 2000),
        (first, 1, 2000),
        (first, 2, 17),
        (second, 0, 2000),
        (second, 1, 3),
    ]


def test_the_content_hash_depends_on_shards_their_order_and_their_split(
    corpus: tuple[Path, Manifest],
) -> None:
    _, manifest = corpus
    train, dev = manifest.train, manifest.dev
    changed = dataclasses.replace(train[0], sha256="0" * 64)
    hashes = {
        manifests.content_hash(train, dev),
        manifests.content_hash(train[::-1], dev),
        manifests.content_hash((changed, train[1]), dev),
        manifests.content_hash(train, ()),
    }
    assert len(hashes) == 4


def test_the_content_hash_does_not_depend_on_where_the_folder_stands(
    corpus: tuple[Path, Manifest],
) -> None:
    folder, manifest = corpus
    moved = folder.with_name("moved")
    folder.rename(moved)
    assert manifests.read_manifest(moved).content_hash == manifest.content_hash


def test_a_folder_without_a_manifest_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no prepared corpus.*jobs/prepare\.py"):
        manifests.read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7", "null"])
def test_a_file_that_is_no_manifest_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json: not a corpus manifest"):
        manifests.read_manifest(tmp_path)


@pytest.mark.parametrize(
    "missing",
    ["content_hash", "language_pairs", "train", "dev", "licences", "tables", "config"],
)
def test_a_manifest_without_one_of_its_keys_is_refused(
    corpus: tuple[Path, Manifest], missing: str
) -> None:
    folder, _ = corpus
    path = folder / MANIFEST
    tree = json.loads(path.read_text(encoding="utf-8"))
    del tree[missing]
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(InputError, match=missing):
        manifests.read_manifest(folder)


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, "1", None])
def test_another_format_version_is_refused_with_both_versions(
    corpus: tuple[Path, Manifest], version: object
) -> None:
    folder, _ = corpus
    altered(folder, format_version=version)
    with pytest.raises(InputError, match=f"format version {version}, .* reads {FORMAT_VERSION}"):
        manifests.read_manifest(folder)


@pytest.mark.parametrize("name", ["train/shard-00001.parquet", "dev/shard-00000.parquet"])
def test_a_missing_shard_is_named(corpus: tuple[Path, Manifest], name: str) -> None:
    folder, _ = corpus
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: shard missing"):
        manifests.read_manifest(folder)


def test_a_shard_of_another_size_is_named_with_both_sizes(corpus: tuple[Path, Manifest]) -> None:
    folder, _ = corpus
    (folder / "train/shard-00000.parquet").write_bytes(b"first row")
    with pytest.raises(InputError, match=r"train/shard-00000\.parquet: 9 bytes, .* says 10"):
        manifests.read_manifest(folder)


def test_content_altered_in_its_old_size_is_found_by_the_hash_check(
    corpus: tuple[Path, Manifest],
) -> None:
    folder, _ = corpus
    (folder / "dev/shard-00000.parquet").write_bytes(b"held 0ut")
    manifest = manifests.read_manifest(folder)
    with pytest.raises(InputError, match=r"dev/shard-00000\.parquet: its content differs"):
        manifests.verify_hashes(folder, manifest)
