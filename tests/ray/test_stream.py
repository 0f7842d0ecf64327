"""The stream of micro-batches takes nothing from a worker that has enough of them."""

import time
from pathlib import Path

import pytest

from clism_ray.config import ScalingConfig
from clism_ray.masking.stream import stream
from tests.corpora import write_tiny_corpus
from tests.recipes import tiny_recipe

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

STANDS_STILL_S = 4
SHARE = 0.25  # of a core; without rests between the executor's rounds it is nearly all of one


def wait_until_all_is_made() -> None:
    """Until this process has rested for a second: then what is made ahead is made."""
    for _ in range(60):
        used = time.process_time()
        time.sleep(1)
        if time.process_time() - used < 2 * SHARE:
            return
    raise AssertionError("the stream never rests")


def test_while_nobody_takes_a_micro_batch_the_stream_hardly_uses_the_processor(
    tmp_path: Path,
) -> None:
    write_tiny_corpus(tmp_path / "corpus", rows=200)
    recipe = tiny_recipe(tmp_path, 200, 600, pairs=4, slots=2)
    batches = stream(
        recipe, 0, 200, rank=0, workers=1, scaling=ScalingConfig(data_tasks_per_worker=1)
    )
    next(batches)
    wait_until_all_is_made()
    began = time.process_time()
    time.sleep(STANDS_STILL_S)
    assert time.process_time() - began < SHARE * STANDS_STILL_S
    assert len(list(batches)) == 399
