"""What is drawn together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.errors import InputError
from clism_ray.tasks.item_groups import families, item_groups, ungrouped


def test_items_of_a_passage_are_a_group_and_another_languages_are_others() -> None:
    ids = {"de": ["a", "b", "c"], "zh": ["a", "b", "c"]}
    groups = item_groups(ids, {"de": [0, 0, 1], "zh": [0, 1, 1]}, parallel=False)
    assert same(groups["de"]) == [[0, 1], [2]]
    assert same(groups["zh"]) == [[0], [1, 2]]
    assert not set(groups["de"]) & set(groups["zh"])
    assert [list(family) for family in families(groups)] == [["de"], ["zh"]]


def test_parallel_items_join_passages_that_files_number_and_order_as_they_like() -> None:
    ids = {"de": ["a", "b", "c", "d"], "es": ["c", "a"], "zh": ["x", "y"]}
    parts = {"de": [0, 0, 1, 2], "es": [0, 1], "zh": [0, 1]}
    groups = item_groups(ids, parts, parallel=True)
    assert same(groups["de"]) == [[0, 1], [2], [3]]
    assert groups["es"].tolist() == [groups["de"][2], groups["de"][0]]
    assert [list(family) for family in families(groups)] == [["de", "es"], ["zh"]]
    german, spanish = families(groups)[0].values()
    assert german[1] == spanish[1] == 3
    assert families(groups)[1]["zh"][1] == 2


def test_a_language_that_shares_with_two_others_joins_them() -> None:
    groups = {"de": np.array([0, 1]), "es": np.array([2, 3]), "fr": np.array([1, 2])}
    (family,) = families(groups)
    assert sorted(family) == ["de", "es", "fr"]
    assert {language: places.tolist() for language, (places, _) in family.items()} == {
        language: group.tolist() for language, group in groups.items()
    }


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=1))
def test_without_groups_each_item_of_each_language_stands_alone(items: dict[str, int]) -> None:
    found = families(ungrouped(items))
    assert [list(family) for family in found] == [[language] for language in items]
    for family in found:
        for language, (places, number) in family.items():
            assert places.tolist() == list(range(items[language]))
            assert number == items[language]


def test_every_item_needs_a_name_and_a_part() -> None:
    with pytest.raises(InputError, match="zh: 2 names and 1 passages or documents"):
        item_groups({"zh": ["1", "2"]}, {"zh": [0]}, parallel=True)


def same(groups: np.ndarray) -> list[list[int]]:
    """The places of each group's items, by the first of them."""
    first = dict.fromkeys(groups.tolist())
    return [np.flatnonzero(groups == group).tolist() for group in first]
