"""Memory and time of the task that aligns a bucket, on the pairs of a prepared corpus.

    python benchmarks/bucket_memory.py CORPUS --pairs 40000

It makes the rows anew that the corpus was built from, and tells by how much the process grows as
it builds them, in how many CPU seconds, and a hash of the outcome: versions of the code compare.
"""

import argparse
import gc
import hashlib
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from meters import Sampler, cpu_seconds, pss

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.build import LanguagePair, build
from clism_ray.corpus.finders import open_finder
from clism_ray.corpus.intake import SCHEMA, in_key_order, key
from clism_ray.corpus.manifest import read_manifest
from clism_ray.corpus.tables import open_tables
from clism_ray.garbage import seldom_collected


def main() -> None:
    """Build one bucket, and print what it took."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("corpus", type=Path, metavar="CORPUS")
    options.add_argument("--pairs", type=int, default=40_000)
    given = options.parse_args()
    manifest = read_manifest(given.corpus)
    config = parse(PrepareConfig, manifest.config)
    rows = stored([given.corpus / shard.path for shard in manifest.train], given.pairs)
    opened = {pair: parts(config, given.corpus / "tables" / pair) for pair in manifest.tables}
    gc.collect()
    pa.default_memory_pool().release_unused()
    before, began = pss(os.getpid()) / 1024, cpu_seconds()
    with Sampler() as memory, seldom_collected():
        table, *_ = build(rows, "train", lambda *pair: opened["-".join(pair)])
    print(
        f"{rows.num_rows:,} pairs, {rows.nbytes / 2**20:.0f} MiB of them: grows by "
        f"{max(memory.mib) - before:.0f} MiB in {cpu_seconds() - began:.1f} CPU seconds, "
        f"outcome {digest(table)}"
    )


def stored(shards: list[Path], pairs: int) -> pa.Table:
    """Pairs of a corpus as they come in, in key order."""
    rows = pa.concat_tables([pq.read_table(path) for path in shards]).slice(0, pairs)
    named = ("source_language", "target_language", "source", "target")
    keys = [key(*texts) for texts in zip(*(rows[name].to_pylist() for name in named), strict=True)]
    rows = rows.append_column("key", pa.array(keys, pa.uint64())).select(SCHEMA.names)
    return in_key_order(rows.cast(SCHEMA))


def parts(config: PrepareConfig, tables: Path) -> LanguagePair:
    """What builds the rows of a language pair, already read."""
    source_language = tables.name.partition("-")[0]
    return LanguagePair(
        open_tables(tables), open_finder(config, source_language), config.spans.max_words
    )


def digest(table: pa.Table) -> str:
    """A hash of all rows."""
    digest = hashlib.sha256()
    for batch in table.to_batches(max_chunksize=1000):
        digest.update(repr(batch.to_pylist()).encode())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
