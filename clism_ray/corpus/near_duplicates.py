"""Near duplicates of a whole corpus, found a bucket at a time.

    note_bands    bucket of pairs -> the band hashes of each, by buckets of band hashes
    meet          bucket of band hashes -> which pairs have one in common, by buckets of the earlier
    bring_texts   bucket of pairs -> texts of the earlier pairs, by buckets of the later
    near_keys     pairs of a bucket -> those that are as alike to an earlier one as the threshold

`minhash` says what alike means; pairs of different languages never are. Of two pairs the one with
the lower key is the earlier, but every pair of dev is earlier than all of train, and stays. A pair
of train goes if any earlier one is alike, whether that one stays or not: so neither the order nor
the number of tasks matters, and to do it again changes nothing. Tasks write to

    near/bands/*.arrow  near/met/*.arrow  near/texts/*.arrow

and hold one bucket of pairs, or about 50 bytes a band for as many pairs (at 0.8: 16 bands).
"""

from collections.abc import Mapping
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clism_ray.corpus import taken_in
from clism_ray.corpus.intake import Split, buckets_of, key, read_bucket, write_batches
from clism_ray.corpus.minhash import are_alike, band_hashes, bands_for

_BATCH = 256  # pairs whose shingles stay in the processor's cache
_EARLIEST = 4  # pairs with a band hash, which all others with it are compared with
_BANDS = pa.schema([("band", pa.uint64()), ("is_train", pa.bool_()), ("key", pa.uint64())])
_MET = pa.schema([("earlier", pa.uint64()), ("later", pa.uint64())])
_TEXTS = pa.schema([("later", pa.uint64()), ("source", pa.string()), ("target", pa.string())])


class Place(NamedTuple):
    """A bucket of a split."""

    split: Split
    bucket: int


def places(buckets: Mapping[Split, int]) -> list[Place]:
    """The buckets of both splits, in the order in which `met` numbers them."""
    return [Place(split, n) for split in ("train", "dev") for n in range(buckets[split])]


def note_bands(
    folder: Path, buckets: Mapping[Split, int], threshold: float, split: Split, bucket: int
) -> None:
    """Write the band hashes of a bucket's pairs, if that was not done yet."""
    path = _file(folder, "bands", split, bucket)
    if path.is_file():
        return
    shape = bands_for(threshold)
    bands, keys = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    different = _different(read_bucket(taken_in.pieces(folder, split), bucket))
    for rows in different.to_batches(max_chunksize=_BATCH):
        names = ("source_language", "target_language", "source", "target")
        source_languages, target_languages, *texts = (rows[name].to_pylist() for name in names)
        languages = map(key, source_languages, target_languages)
        groups = np.fromiter(languages, np.uint64, rows.num_rows)
        bands.append(band_hashes(list(zip(*texts, strict=True)), groups, shape).ravel())
        keys.append(np.repeat(rows["key"].to_numpy(), shape.bands))
    band = np.concatenate(bands)
    entries = pa.table(
        [band, np.full(len(band), split == "train"), np.concatenate(keys)], schema=_BANDS
    )
    number = buckets["train"]
    _write(entries, buckets_of(band, number), number, path)


def meet(folder: Path, buckets: Mapping[Split, int], bucket: int) -> None:
    """Write which pairs have a hash in common, of a bucket of band hashes, if not done yet.

    Each is compared with the earliest few that have it: all of many thousand pairs made from
    one template would be too many.
    """
    path = _file(folder, "met", "train", bucket)
    if path.is_file():
        return
    noted = [_file(folder, "bands", *place) for place in places(buckets)]
    columns = read_bucket(noted, bucket, _BANDS)
    band, is_train, keys = (columns[name].to_numpy() for name in _BANDS.names)
    order = np.lexsort((keys, is_train, band))
    band, is_train, keys = band[order], is_train[order], keys[order]
    begins = np.flatnonzero(np.r_[True, band[1:] != band[:-1]]) if len(band) else order
    first = np.repeat(begins, np.diff(np.r_[begins, len(band)]))
    here = np.arange(len(band))
    met = [np.empty((0, 3), np.uint64)]
    for nth in range(_EARLIEST):
        later = here[is_train & (first + nth < here)]
        earlier = first[later] + nth
        met.append(np.stack([keys[earlier], keys[later], is_train[earlier]], axis=1))
    found = np.unique(np.concatenate(met), axis=0)
    found = found[found[:, 0] != found[:, 1]]
    in_train = found[:, 2] == 1
    place = np.where(
        in_train,
        buckets_of(found[:, 0], buckets["train"]),
        buckets["train"] + buckets_of(found[:, 0], buckets["dev"]),
    )
    entries = pa.table([found[:, 0], found[:, 1]], schema=_MET)
    _write(entries, place, len(places(buckets)), path)


def bring_texts(folder: Path, buckets: Mapping[Split, int], split: Split, bucket: int) -> None:
    """Write the texts of a bucket's pairs to where later ones are, if that was not done yet."""
    path = _file(folder, "texts", split, bucket)
    if path.is_file():
        return
    place = places(buckets).index(Place(split, bucket))
    of_train = [_file(folder, "met", "train", n) for n in range(buckets["train"])]
    met = read_bucket(of_train, place, _MET).group_by(_MET.names).aggregate([])
    rows = read_bucket(taken_in.pieces(folder, split), bucket)
    rows = _with_keys(rows.select(["key", "source", "target"]), met["earlier"].to_numpy())
    texts = pa.table([met["later"], rows["source"], rows["target"]], schema=_TEXTS)
    number = buckets["train"]
    parts = buckets_of(met["later"].to_numpy(), number)
    _write(texts, parts, number, path)


def near_keys(
    folder: Path,
    buckets: Mapping[Split, int],
    threshold: float | None,
    split: Split,
    bucket: int,
    rows: pa.Table,
) -> frozenset[int]:
    """Keys of the near duplicates among `rows`, pairs of a bucket; none without a threshold."""
    if threshold is None or split == "dev":
        return frozenset()
    brought = [_file(folder, "texts", *place) for place in places(buckets)]
    texts = read_bucket(brought, bucket, _TEXTS)
    texts = texts.filter(pc.is_in(texts["later"], rows["key"]))
    later = _with_keys(rows, texts["later"].to_numpy())
    columns = (table[name] for table in (later, texts) for name in ("source", "target"))
    compared = zip(*(column.to_pylist() for column in columns), strict=True)
    alike = (are_alike(pair[:2], pair[2:], threshold) for pair in compared)
    return frozenset(compress(texts["later"].to_pylist(), alike))


def _different(rows: pa.Table) -> pa.Table:
    """Rows in the order of their keys, the first of each key."""
    rows = rows.sort_by("key")
    keys = rows["key"].to_numpy()
    return rows.filter(pa.array(np.diff(keys, prepend=~keys[:1]) != 0))


def _with_keys(rows: pa.Table, keys: NDArray[np.uint64]) -> pa.Table:
    """The row of each key."""
    known = rows["key"].to_numpy()
    order = np.argsort(known, kind="stable")
    return rows.take(order[np.searchsorted(known, keys, sorter=order)])


def _file(folder: Path, stage: str, split: Split, bucket: int) -> Path:
    return folder / "near" / stage / f"{split}-{bucket:05d}.arrow"


def _write(rows: pa.Table, parts: NDArray[np.int64], number: int, path: Path) -> None:
    """Store each row in its part, of `number` parts."""
    rows = rows.take(np.argsort(parts, kind="stable")).combine_chunks()
    sizes = np.bincount(parts, minlength=number)
    ends = np.cumsum(sizes)
    cut = (rows.slice(end - size, size) for end, size in zip(ends, sizes, strict=True))
    write_batches(map(_as_batch, cut), path, rows.schema)


def _as_batch(rows: pa.Table) -> pa.RecordBatch:
    """The only batch of a table whose chunks are combined."""
    if not rows.num_rows:
        return pa.RecordBatch.from_pylist([], schema=rows.schema)
    (batch,) = rows.to_batches()
    return batch
