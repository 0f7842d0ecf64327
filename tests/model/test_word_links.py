"""Word links from the states of tokens: what holds whatever the states are."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from clism_ray.corpus.words import words
from clism_ray.tasks.word_links import token_trust, word_links, words_of_tokens

sizes = st.integers(1, 5)
seeds = st.integers(0, 1 << 30)


def states(seed: int, source: int, target: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        2 * torch.randn(1, source, 4, generator=generator),
        2 * torch.randn(1, target, 4, generator=generator),
    )


def trust(source_NSD: Tensor, target_NTD: Tensor, threshold: float = 0.05) -> Tensor:
    real = (torch.ones(part.shape[:2], dtype=torch.bool) for part in (source_NSD, target_NTD))
    return token_trust(source_NSD, target_NTD, *real, threshold)


def test_trust_is_the_geometric_mean_of_the_probabilities_both_ways() -> None:
    source_SD, target_TD = torch.tensor([[1.0, 0], [0, 2.0]]), torch.tensor([[1.0, 0], [1.0, 1.0]])
    e = torch.e
    forward = [[0.5, 0.5], [1 / (1 + e**2), e**2 / (1 + e**2)]]
    backward = [[e / (e + 1), e / (e + e**2)], [1 / (e + 1), e**2 / (e + e**2)]]
    (found_ST,) = trust(source_SD[None], target_TD[None], threshold=0.2)
    for s in range(2):
        for t in range(2):
            both = forward[s][t], backward[s][t]
            wanted = (both[0] * both[1]) ** 0.5 if min(both) > 0.2 else 0
            assert float(found_ST[s, t]) == pytest.approx(wanted, abs=1e-6)
    assert float(found_ST[1, 0]) == 0


@given(seeds, sizes, sizes)
def test_swapped_sides_give_the_transposed_links(seed: int, source: int, target: int) -> None:
    source_NSD, target_NTD = states(seed, source, target)
    there_NST, back_NTS = trust(source_NSD, target_NTD), trust(target_NTD, source_NSD)
    torch.testing.assert_close(there_NST.transpose(1, 2), back_NTS)


@given(seeds, sizes, sizes, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_takes_links_away_and_changes_no_other(
    seed: int, source: int, target: int, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    more_NST, fewer_NST = (trust(*states(seed, source, target), least) for least in (low, high))
    kept = fewer_NST > 0
    assert torch.equal(fewer_NST[kept], more_NST[kept])
    assert bool((more_NST[kept] > high).all())


@given(seeds, sizes, sizes)
def test_what_is_no_token_of_a_word_changes_nothing(seed: int, source: int, target: int) -> None:
    source_NSD, target_NTD = states(seed, source + 2, target + 1)
    source_NS, target_NT = (torch.ones(1, n, dtype=torch.bool) for n in (source + 2, target + 1))
    source_NS[0, source:] = target_NT[0, target:] = False
    found_NST = token_trust(source_NSD, target_NTD, source_NS, target_NT, 0.05)
    alone_NST = trust(source_NSD[:, :source], target_NTD[:, :target])
    torch.testing.assert_close(found_NST[:, :source, :target], alone_NST)
    assert int((found_NST > 0).sum()) == int((alone_NST > 0).sum())


def test_a_side_without_words_has_no_links() -> None:
    none = torch.zeros(1, 2, dtype=torch.bool)
    found = token_trust(*states(1, 2, 2), none, ~none, 0.0)
    assert found.tolist() == [[[0, 0], [0, 0]]]


def test_words_are_linked_by_the_best_link_of_their_tokens() -> None:
    trust_ST = torch.tensor([[0.0, 0.3, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 0.5]])
    source, target = [range(1), range(1), range(1, 3)], [range(1), range(1, 2), range(1, 2)]
    found = word_links(trust_ST, source, target)
    assert found == {(0, 0): 0.25, (0, 1): 0.75, (1, 1): 0.5, (2, 1): 0.5}


@given(st.text("a b,7北é", max_size=12), st.data())
def test_a_token_is_part_of_the_words_that_it_overlaps(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)) | {0, len(text)})
    tokens = [(0, 0), *pairwise(cuts), (0, 0)]
    places = words(text)
    found = words_of_tokens(tokens, places)
    for (start, end), of_token in zip(tokens, found, strict=True):
        overlapping = [n for n, (a, b) in enumerate(places) if a < end and start < b]
        assert list(of_token) == overlapping


def test_tokens_that_are_bytes_of_one_character_are_part_of_its_word() -> None:
    assert words_of_tokens([(0, 0), (0, 1), (0, 1), (1, 3)], [(0, 1), (2, 3)]) == [
        *(range(0), range(1), range(1), range(1, 2))
    ]
