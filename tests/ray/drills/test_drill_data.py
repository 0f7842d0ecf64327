"""Shards, rows and stores that fail: told in a sentence, or not noticed."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from clism_ray.config import TokenizerConfig
from clism_ray.corpus.manifest import read_manifest
from clism_ray.masking.tokenizer import save_tokenizer, train_tokenizer
from tests.corpora import tiny_pair, write_corpus, write_tiny_corpus
from tests.drilled_run import (
    configuration,
    driver_of,
    ended,
    folder,
    run_to_end,
    training_workers,
    wait_for_steps,
)
from tests.drills import events, longest_wait

pytestmark = [pytest.mark.ray, pytest.mark.drill]

Record = Callable[..., None]


def test_a_shard_that_is_deleted_is_named_and_once_it_is_back_the_command_goes_on(
    tmp_path: Path, undisturbed: Path, record: Record
) -> None:
    corpus = tmp_path / "corpus"
    write_tiny_corpus(corpus, rows=1000)  # the same bytes as the undisturbed run's
    shard = corpus / read_manifest(corpus).train[0].path
    config = configuration(corpus, tmp_path)
    run = folder(config)
    with driver_of(config) as driver:
        wait_for_steps(run, 28, driver)
        content = shard.read_bytes()
        shard.unlink()
        training_workers()[0].kill()  # micro-batches are made far ahead: now they are made again
        out = ended(driver, code=2)
    told = [line for line in out.splitlines() if str(shard) in line]
    assert told, out
    assert "restore it" in told[-1]
    assert "Traceback" not in out
    shard.write_bytes(content)
    run_to_end(config)
    record("a shard and a worker; the shard put back, the command again", run, undisturbed)


def test_a_poisoned_row_ends_the_run_with_its_number_and_without_another_try(
    tmp_path: Path,
) -> None:
    pairs = [tiny_pair(number) for number in range(1000)]
    pairs[613] = replace(pairs[613], target=pairs[613].target[:1])
    write_corpus(tmp_path / "corpus", pairs[:960], pairs[960:])
    sound = pairs[:500]
    texts = [text for pair in sound for text in (pair.source, pair.target)]
    save_tokenizer(train_tokenizer(texts, 400), tmp_path / "tokens")  # so that no driver meets it
    tokens = TokenizerConfig(path=str(tmp_path / "tokens"))
    config = replace(configuration(tmp_path / "corpus", tmp_path), tokenizer=tokens)
    with driver_of(config) as driver:
        out = ended(driver, code=2)
    assert events(folder(config), "training")
    assert re.search(r"shard-00000.parquet: row 613, which came from line 614 of none: a span", out)
    assert "Traceback" not in out
    assert events(folder(config), "workers lost") == []


STORE_BYTES = 80 * 2**20  # the least that Ray takes is 75 MiB
FILL = """
import sys, numpy, ray
from ray._private.internal_api import memory_summary
ray.init(logging_level="ERROR", log_to_driver=False)
held = [ray.put(numpy.ones(2**24, numpy.uint8)) for _ in range(8)]
print("full", flush=True)
for _ in "before", "after":
    sys.stdin.readline()
    print(memory_summary(stats_only=True), "end", sep="\\n", flush=True)
"""


def spilled(others: subprocess.Popen[str]) -> int:
    """MiB that the object stores of the nodes wrote to disk so far."""
    assert others.stdin
    assert others.stdout
    print(file=others.stdin, flush=True)
    summary = "".join(iter(others.stdout.readline, "end\n"))
    return sum(map(int, re.findall(r"^Spilled (\d+) MiB", summary, re.MULTILINE)))


@pytest.mark.parametrize(
    "nodes", [{"num_cpus": 4, "object_store_memory": STORE_BYTES}], indirect=True
)
def test_an_object_store_that_others_fill_spills_to_disk(
    corpus: Path, tmp_path: Path, nodes: Cluster, undisturbed: Path, record: Record
) -> None:
    environment = {"RAY_ADDRESS": nodes.address}
    config = configuration(corpus, tmp_path)
    run = folder(config)
    command = [sys.executable, "-c", FILL]
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as others:
        assert others.stdout
        assert others.stdout.readline() == "full\n"
        before = spilled(others)
        run_to_end(config, **environment)
        assert spilled(others) > before > 0
    record(
        "nothing: others filled the object store, which spills",
        run,
        undisturbed,
        waited=longest_wait(run),
    )
