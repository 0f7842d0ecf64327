"""Sentence vectors to retrieval, alignment and uniformity, against literal loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.tasks.probes import Pairs, probe


def pairs_of(
    sources: list[int], targets: list[int], seed: int, noise: float | None = None, size: int = 5
) -> Pairs:
    """A random vector for each text; with `noise`, translations are so far from each other."""
    random = np.random.default_rng(seed)
    source_of = {key: random.normal(size=size) for key in sources}
    target_of = {key: random.normal(size=size) for key in targets}
    source = np.array([source_of[key] for key in sources])
    target = np.array([target_of[key] for key in targets])
    if noise is not None:
        target = source + noise * target
    return Pairs(source, target, np.array(sources), np.array(targets))


KEYS = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=9)
SEEDS = st.integers(0, 2**32 - 1)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / math.sqrt(sum(x * x for x in vector))


def literal(pairs: Pairs) -> dict[str, float]:
    """The definitions, text by text and pair by pair."""
    said = set(zip(pairs.source_key_P.tolist(), pairs.target_key_P.tolist(), strict=True))
    sides = [
        {int(key): unit(vector) for key, vector in zip(keys, vectors, strict=True)}
        for keys, vectors in (
            (pairs.source_key_P, pairs.source_PD),
            (pairs.target_key_P, pairs.target_PD),
        )
    ]

    def share_found(asked: dict[int, np.ndarray], among: dict[int, np.ndarray], flip: int) -> float:
        right = 0
        for key, vector in asked.items():
            nearest = max(among, key=lambda other: float(vector @ among[other]))
            right += ((key, nearest) if not flip else (nearest, key)) in said
        return right / len(asked)

    def spread(side: dict[int, np.ndarray]) -> float:
        near = [
            math.exp(-2 * float(((side[a] - side[b]) ** 2).sum()))
            for a in side
            for b in side
            if a < b
        ]
        return math.log(sum(near) / len(near))

    apart = [float(((sides[0][s] - sides[1][t]) ** 2).sum()) for s, t in said]
    there, back = share_found(*sides, 0), share_found(*sides[::-1], 1)
    found = {
        "retrieval": (there + back) / 2,
        "retrieval_of_targets": there,
        "retrieval_of_sources": back,
        "alignment": sum(apart) / len(apart),
    }
    spreads = [spread(side) for side in sides if len(side) > 1]
    return found | ({"uniformity": sum(spreads) / len(spreads)} if spreads else {})


@given(KEYS, SEEDS)
def test_the_probes_are_what_their_definitions_say(keys: list[tuple[int, int]], seed: int) -> None:
    pairs = pairs_of([s for s, _ in keys], [t for _, t in keys], seed)
    assert probe(pairs) == pytest.approx(literal(pairs), rel=1e-9, abs=1e-12)


@given(KEYS, SEEDS)
def test_neither_the_order_of_pairs_nor_saying_one_twice_changes_anything(
    keys: list[tuple[int, int]], seed: int
) -> None:
    pairs = pairs_of([s for s, _ in keys], [t for _, t in keys], seed)
    places = np.random.default_rng(seed).permutation([*range(len(keys)), *range(len(keys))])
    shuffled = Pairs(*(getattr(pairs, name)[places] for name in Pairs.__slots__))
    assert probe(shuffled) == pytest.approx(probe(pairs), rel=1e-12)


@given(st.integers(1, 20), SEEDS, st.floats(0.1, 50))
def test_translations_with_one_vector_are_all_found_and_lengths_do_not_matter(
    count: int, seed: int, length: float
) -> None:
    keys = list(range(count))
    pairs = pairs_of(keys, keys, seed, noise=0.0)
    found = probe(Pairs(pairs.source_PD, length * pairs.target_PD, *[np.array(keys)] * 2))
    assert found["retrieval"] == 1.0
    assert found["alignment"] == pytest.approx(0.0, abs=1e-12)
    assert ("uniformity" in found) == (count > 1)


def test_noise_pushes_translations_apart_and_makes_them_harder_to_find() -> None:
    keys = list(range(200))
    each = [probe(pairs_of(keys, keys, 1, noise=noise, size=8)) for noise in (0.1, 1.0, 10.0)]
    assert each[0]["retrieval"] > each[1]["retrieval"] > each[2]["retrieval"]
    assert each[0]["alignment"] < each[1]["alignment"] < each[2]["alignment"]


def test_a_text_that_stands_twice_is_no_wrong_answer() -> None:
    """Two sources with one translation, and a source with two."""
    pairs = pairs_of([1, 2, 3, 3], [7, 7, 8, 9], seed=0)
    near = {1: 0.0, 2: 0.01, 7: 0.005, 3: 1.5, 8: 1.49, 9: 1.51}

    def vectors(keys: np.ndarray) -> np.ndarray:
        return np.array([[math.cos(near[int(key)]), math.sin(near[int(key)])] for key in keys])

    keys = pairs.source_key_P, pairs.target_key_P
    assert probe(Pairs(*map(vectors, keys), *keys))["retrieval"] == 1.0


def test_uniformity_is_zero_for_one_vector_and_lowest_for_opposite_ones() -> None:
    keys = np.arange(2)
    same = np.ones((2, 3))
    assert probe(Pairs(same, same, keys, keys))["uniformity"] == pytest.approx(0.0)
    apart = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    assert probe(Pairs(apart, apart, keys, keys))["uniformity"] == pytest.approx(-8.0)
