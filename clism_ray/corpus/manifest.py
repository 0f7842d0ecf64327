"""The manifest of a prepared corpus: what stands in which Parquet row group.

A prepared corpus is a folder:

    manifest.json            this
    data_card.json, .html    per language pair: in, kept, every drop reason; and as a page
    dropped.jsonl            some of the lines that were dropped
    train/shard-00000.parquet ...   rows in hash order, columns of `records.ALIGNED_SCHEMA`
    dev/shard-00000.parquet ...
    tables/en-de/...         the word alignment tables, by language pair

Row ids are dense over both splits: train starts at 0, dev where train ends, and each window
begins where the one before it ends.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from clism_ray.corpus.pieces import whole
from clism_ray.corpus.storage import Location, below, info, read_bytes, sha256, sizes
from clism_ray.errors import InputError

FORMAT_VERSION = 2
MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """One Parquet file of a split."""

    path: str  # relative to the corpus folder
    sha256: str
    bytes: int
    rows_per_group: tuple[int, ...]


class Window(NamedTuple):
    """A row group: the rows that are read together."""

    path: str  # relative to the corpus folder
    group: int
    rows: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a prepared corpus holds, and what made it."""

    format_version: int
    content_hash: str  # of the rows alone: equal for equal rows, wherever the folder stands
    language_pairs: tuple[str, ...]  # sorted, "en-de"
    train: tuple[Shard, ...]
    dev: tuple[Shard, ...]
    licences: dict[str, str]  # corpus name -> licence
    tables: dict[str, str]  # language pair -> sha256 of its alignment tables
    config: dict[str, Any]  # that made it, without `copy_to` and `resources`


def windows(shards: tuple[Shard, ...]) -> list[Window]:
    """The windows of a split, in row order."""
    return [
        Window(shard.path, group, rows)
        for shard in shards
        for group, rows in enumerate(shard.rows_per_group)
    ]


def content_hash(train: tuple[Shard, ...], dev: tuple[Shard, ...]) -> str:
    """One hash of every shard's hash."""
    text = "\n".join(f"{shard.path} {shard.sha256}" for shard in (*train, *dev))
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json: the last file of a prepared corpus, which then is complete."""
    text = json.dumps(dataclasses.asdict(manifest), indent=1, ensure_ascii=False)
    with whole(folder / MANIFEST) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read_manifest(corpus: Location) -> Manifest:
    """The manifest of a prepared corpus, every shard present in its full size.

    Raises InputError if the folder is no prepared corpus, is of another format version,
    or lacks a shard, Unavailable where its storage cannot be reached. `verify_hashes` reads the
    shards as well.
    """
    path = below(corpus, MANIFEST)
    if not info(path).is_file:
        raise InputError(
            f"{corpus}: no prepared corpus (there is no {MANIFEST} in it); "
            "write one with jobs/prepare.py, whose `output` or `copy_to` is this folder"
        )
    try:
        tree = json.loads(read_bytes(path))
        version = tree["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a corpus manifest ({error}); prepare again") from error
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format version {version}, but this version of clism_ray reads "
            f"{FORMAT_VERSION}; prepare the corpus again"
        )
    try:
        manifest = _from_tree(tree)
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a corpus manifest ({error}); prepare again") from error
    there = {
        f"{split}/{name}": size
        for split in ("train", "dev")
        for name, size in sizes(below(corpus, split)).items()
    }
    for shard in (*manifest.train, *manifest.dev):
        _check_size(below(corpus, shard.path), shard, there.get(shard.path))
    return manifest


def verify_hashes(corpus: Location, manifest: Manifest) -> None:
    """Read every shard; raises InputError naming the first whose content was altered."""
    for shard in (*manifest.train, *manifest.dev):
        path = below(corpus, shard.path)
        if sha256(path) != shard.sha256:
            raise InputError(
                f"{path}: its content differs from the manifest's hash; "
                "the shard was altered or damaged: prepare the corpus again"
            )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_tree(tree: dict[str, Any]) -> Manifest:
    shards = {
        split: tuple(
            Shard(**{**shard, "rows_per_group": tuple(shard["rows_per_group"])})
            for shard in tree[split]
        )
        for split in ("train", "dev")
    }
    return Manifest(**{**tree, **shards, "language_pairs": tuple(tree["language_pairs"])})


def _check_size(path: str, shard: Shard, size: int | None) -> None:
    if size is None:
        raise InputError(f"{path}: shard missing; restore it or prepare the corpus again")
    if size != shard.bytes:
        raise InputError(
            f"{path}: {size} bytes, but the manifest says {shard.bytes}; "
            "the shard was altered or damaged: prepare the corpus again"
        )
