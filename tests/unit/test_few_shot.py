"""Samples of training examples: drawn alike by all, without repetition, never the first so many."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.errors import InputError
from clism_ray.finetune.few_shot import check_published, draw, ids_hash, train_file

FILE = Path("train.json")


@given(count=st.integers(1, 60), data=st.data(), sample=st.integers(0, 99))
def test_a_sample_is_distinct_examples_in_the_order_of_the_file(
    count: int, data: st.DataObject, sample: int
) -> None:
    size = data.draw(st.integers(1, count))
    ids = [str(number) for number in range(count)]
    places = draw(ids, size, sample, FILE)
    assert places == sorted(set(places))
    assert len(places) == size
    assert set(places) <= set(range(count))
    assert places == draw(ids, size, sample, FILE)


def test_samples_differ_and_are_not_the_beginning_of_the_file() -> None:
    ids = [str(number) for number in range(1000)]
    drawn = [tuple(draw(ids, 32, sample, FILE)) for sample in range(20)]
    assert len(set(drawn)) == 20
    assert tuple(range(32)) not in drawn
    assert 400 < sum(map(sum, drawn)) / (20 * 32) < 600


def test_without_a_size_all_examples_count() -> None:
    assert draw(["a", "b", "c"], None, 7, FILE) == [0, 1, 2]


def test_a_sample_that_is_not_there_in_full_is_refused() -> None:
    with pytest.raises(InputError, match=r"train\.json: 3 examples; a sample of 4"):
        draw(["a", "b", "c"], 4, 1, FILE)
    with pytest.raises(InputError, match="holds 3 examples, not the 4 of its name"):
        check_published(["a", "b", "c"], 4, FILE)


def test_a_published_sample_has_a_file_of_its_own() -> None:
    assert train_file("s{sample}.n{size}", 64, 42) == Path("s42.n64")
    assert train_file("all.json", 64, 42) == Path("all.json")


def test_a_hash_names_a_sample_in_its_order() -> None:
    assert ids_hash(["a", "b"]) == ids_hash(["a", "b"]) != ids_hash(["b", "a"])
