"""Every loss against its equation written out in NumPy, in double precision."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from clism_ray.losses.cacr import cacr_loss, mean_pool, negatives
from clism_ray.losses.clism import clism_loss, exact_spans
from clism_ray.losses.mlm import mlm_loss
from clism_ray.model.span_head import SpanHead, sequence_of_token
from clism_ray.records import IGNORED

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=15, deadline=None)


def log_share(scores: Array, chosen: int) -> float:
    """The logarithm of a softmax's share, term by term."""
    return float(scores[chosen] - np.log(sum(np.exp(score) for score in scores)))


class Pointing:
    """Random states of a few sequences, some questions in them, and a span head."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        lengths = random.integers(2, 7, size=random.integers(1, 5))
        self.offsets = np.concatenate([[0], np.cumsum(lengths)])
        self.hidden = random.normal(size=(self.offsets[-1], 5))
        self.questions = random.integers(0, self.offsets[-1], size=random.integers(1, 6))
        sequences = np.searchsorted(self.offsets[1:], self.questions, side="right")
        self.bounds = [(self.offsets[n], self.offsets[n + 1]) for n in sequences]
        self.starts, self.ends = ([random.integers(*b) for b in self.bounds] for _ in range(2))
        torch.manual_seed(seed)
        self.head = SpanHead(5).double()

    def scores(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        sequence = sequence_of_token(torch.tensor(self.offsets), len(hidden))
        start, end = self.head(hidden, torch.tensor(self.questions), sequence)
        return start, end

    def loss(self, hidden: Tensor) -> Tensor:
        places = torch.tensor(self.starts), torch.tensor(self.ends)
        return clism_loss(*self.scores(hidden), *places)[0]

    def literal(self) -> float:
        total = 0.0
        for weight, answers in ((self.head.start, self.starts), (self.head.end, self.ends)):
            matrix = weight.weight.detach().numpy()
            for question, bounds, answer in zip(self.questions, self.bounds, answers, strict=True):
                pointer = matrix @ self.hidden[question]  # eq. 1
                scores = np.array([self.hidden[k] @ pointer for k in range(*bounds)])  # eq. 2, 3
                total -= log_share(scores, answer - bounds[0])  # eq. 4
        return total


@FEW
@given(SEEDS)
def test_clism_is_equations_1_to_4(seed: int) -> None:
    pointing = Pointing(seed)
    loss = pointing.loss(torch.tensor(pointing.hidden))
    assert loss.item() == pytest.approx(pointing.literal(), rel=1e-9)


def test_clism_has_the_gradient_of_its_value() -> None:
    pointing = Pointing(3)
    hidden = torch.tensor(pointing.hidden, requires_grad=True)
    assert torch.autograd.gradcheck(pointing.loss, (hidden,))


@FEW
@given(SEEDS)
def test_a_question_never_points_into_another_sequence(seed: int) -> None:
    pointing = Pointing(seed)
    for scores in pointing.scores(torch.tensor(pointing.hidden)):
        for row, (first, stop) in zip(scores, pointing.bounds, strict=True):
            assert row[first:stop].isfinite().all()
            assert int(row.isfinite().sum()) == stop - first


def mlm_total(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return mlm_loss(logits, labels, torch.zeros(len(labels), dtype=torch.int64), 1)


@FEW
@given(SEEDS, st.integers(0, 5))
def test_clism_and_mlm_of_a_batch_are_the_sums_over_its_parts(seed: int, cut: int) -> None:
    torch.manual_seed(seed)
    scores, places = torch.randn(2, 5, 7).double(), torch.randint(7, (2, 5))
    places[:, seed % 5] = IGNORED
    whole = [*clism_loss(*scores, *places), *mlm_total(scores[0], places[0])]
    head = [
        *clism_loss(*scores[:, :cut], *places[:, :cut]),
        *mlm_total(scores[0, :cut], places[0, :cut]),
    ]
    tail = [
        *clism_loss(*scores[:, cut:], *places[:, cut:]),
        *mlm_total(scores[0, cut:], places[0, cut:]),
    ]
    for total, first, second in zip(whole, head, tail, strict=True):
        assert total.item() == pytest.approx(first.item() + second.item(), rel=1e-9)


@FEW
@given(SEEDS)
def test_mlm_is_the_cross_entropy_of_the_labels_summed_by_language(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(random.integers(1, 6), 9))
    labels = random.integers(0, 9, size=len(logits))
    language = random.integers(0, 3, size=len(logits))
    totals, counts = mlm_loss(*map(torch.tensor, (logits, labels, language)), 3)
    literal = [0.0] * 3
    for row, label, place in zip(logits, labels, language, strict=True):
        literal[place] -= log_share(row, label)
    assert totals.tolist() == pytest.approx(literal, rel=1e-9)
    assert counts.tolist() == np.bincount(language, minlength=3).tolist()


def test_mlm_has_the_gradient_of_its_value() -> None:
    logits = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([1, IGNORED, 0, 5])
    assert torch.autograd.gradcheck(lambda x: mlm_total(x, labels)[0], (logits,))


def test_ignored_places_count_nothing_and_pull_at_nothing() -> None:
    scores = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    ignored = torch.full((3,), IGNORED)
    for total, count in (clism_loss(*scores, ignored, ignored), mlm_total(scores[0], ignored)):
        assert total.item() == 0
        assert count.item() == 0
        (gradient,) = torch.autograd.grad(total, scores, retain_graph=True)
        assert not gradient.any()


def test_a_span_is_exact_when_start_and_end_are_both_the_likeliest() -> None:
    start = torch.tensor([[0.0, 2, 1], [0, 2, 1], [0, 2, 1]])
    end = torch.tensor([[0.0, 1, 2], [0, 1, 2], [0, 1, 2]])
    right = exact_spans(start, end, torch.tensor([1, 1, 0]), torch.tensor([2, 1, 2]))
    assert right.tolist() == [True, False, False]


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def literal_contrast(
    a: Array, b: Array, tau: float, source_keys: list[int], target_keys: list[int]
) -> float:
    """Eq. 7, summed over the rows; rows that say the same are no negatives."""
    total = 0.0
    for i in range(len(a)):
        against = [
            j
            for j in range(len(a))
            if j == i or (source_keys[j] != source_keys[i] and target_keys[j] != target_keys[i])
        ]
        scores = np.array([cosine(a[i], b[j]) / tau for j in against])
        total -= log_share(scores, against.index(i))
    return total


def keys(values: list[int]) -> Tensor:
    return torch.tensor(values)


@FEW
@given(SEEDS, st.floats(0.05, 20))
def test_each_term_of_cacr_is_equation_7_between_its_two_vectors(seed: int, tau: float) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(1, 6))
    masked, target, plain = vectors = random.normal(size=(3, size, 4))
    source_keys, target_keys = (random.integers(0, 4, size).tolist() for _ in range(2))
    terms, count = cacr_loss(
        torch.tensor(vectors.reshape(3 * size, 4)),
        tau,
        keys(source_keys),
        keys(target_keys),
        torch.ones(size, dtype=torch.bool),
    )
    between = [(target, masked), (plain, masked), (target, plain)]  # eq. 8
    for term, (a, b) in zip(terms, between, strict=True):
        literal = literal_contrast(a, b, tau, source_keys, target_keys)
        assert term.item() == pytest.approx(literal, rel=1e-9, abs=1e-12)
    assert count.item() == size


def test_cacr_has_the_gradient_of_its_value_through_the_pooling() -> None:
    hidden = torch.randn(12, 3, dtype=torch.float64, requires_grad=True)
    pool = torch.tensor([0, 0, -1, 2, 2, 1, 3, -1, 4, 5, 5, 5])
    real = torch.ones(2, dtype=torch.bool)

    def loss(states: Tensor) -> Tensor:
        pooled = mean_pool(states, pool, 6)
        return torch.stack(cacr_loss(pooled, 0.5, keys([1, 2]), keys([1, 2]), real)[0]).sum()

    assert torch.autograd.gradcheck(loss, (hidden,))


@FEW
@given(SEEDS)
def test_a_pooled_vector_is_the_mean_of_its_own_tokens(seed: int) -> None:
    random = np.random.default_rng(seed)
    hidden, pool = random.normal(size=(9, 3)), random.integers(-1, 4, size=9)
    pooled = mean_pool(torch.tensor(hidden), torch.tensor(pool), 4)
    for group in range(4):
        members = hidden[pool == group]
        expected = members.mean(0) if len(members) else np.zeros(3)  # eq. 6
        np.testing.assert_allclose(pooled[group], expected, atol=1e-12)


def test_rows_with_the_same_source_or_target_are_no_negatives() -> None:
    real = torch.tensor([True, True, True, True])
    against = negatives(keys([1, 1, 2, 3]), keys([7, 8, 8, 9]), real)
    assert against.tolist() == [
        [False, False, True, True],
        [False, False, False, True],
        [True, False, False, True],
        [True, True, True, False],
    ]


@FEW
@given(SEEDS)
def test_the_terms_of_cacr_add_up_over_any_rows(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(1, 7))
    cut = int(random.integers(0, size + 1))
    given_all = (
        torch.tensor(random.normal(size=(3 * size, 4))),
        0.1,
        *(keys(random.integers(0, 4, size).tolist()) for _ in range(2)),
        torch.tensor(random.random(size) < 0.8),
    )
    whole, count = cacr_loss(*given_all)
    parts = [cacr_loss(*given_all, rows) for rows in (slice(0, cut), slice(cut, size))]
    summed = torch.stack([torch.stack(terms) for terms, _ in parts]).sum(0)
    assert torch.allclose(summed, torch.stack(whole))
    assert count == sum(part for _, part in parts)


def test_a_dummy_row_neither_counts_nor_serves_as_a_negative() -> None:
    pooled = torch.randn(9, 4, dtype=torch.float64)
    source_keys, target_keys = keys([1, 2, 3]), keys([1, 2, 3])
    with_dummy, count = cacr_loss(
        pooled, 0.1, source_keys, target_keys, torch.tensor([True, True, False])
    )
    without, _ = cacr_loss(
        pooled.reshape(3, 3, 4)[:, :2].reshape(6, 4),
        0.1,
        source_keys[:2],
        target_keys[:2],
        torch.tensor([True, True]),
    )
    assert count.item() == 2
    assert torch.allclose(torch.stack(with_dummy), torch.stack(without))


def test_a_temperature_of_20_flattens_what_one_of_a_20th_tells_apart() -> None:
    vectors = torch.eye(4, dtype=torch.float64).repeat(3, 1)  # each row alike in all three views
    real = torch.ones(4, dtype=torch.bool)
    sharp, flat = (
        cacr_loss(vectors, tau, torch.arange(4), torch.arange(4), real)[0][0].item() / 4
        for tau in (0.05, 20.0)
    )
    assert sharp < 1e-6
    assert flat == pytest.approx(np.log(4), abs=0.05)  # hardly better than a guess


def test_sequences_of_tokens_follow_the_offsets() -> None:
    offsets = [0, 2, 3, 7]
    numbers = sequence_of_token(torch.tensor(offsets), 7).tolist()
    assert [numbers[a:b] for a, b in pairwise(offsets)] == [[0, 0], [1], [2, 2, 2, 2]]
