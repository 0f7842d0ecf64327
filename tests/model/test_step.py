"""One optimizer step: counts, division, weights, seeds, the learning rate."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clism_ray.config import OptimizerConfig
from clism_ray.config_losses import CacrConfig, ClismConfig, LossConfig, MlmConfig
from clism_ray.losses.cacr import TERMS
from clism_ray.masking.collate import empty_batch
from clism_ray.records import IGNORED, Batch
from clism_ray.train.schedule import learning_rate
from clism_ray.train.step import (
    LOSSES,
    counts_of,
    loss_metrics,
    mean_losses,
    seed_dropout,
    to_tensors,
    total_loss,
)

SUMS = {name: torch.tensor(float(n)) for n, name in enumerate(LOSSES, 1)}
SOME = settings(max_examples=40)


def test_counts_are_questions_pairs_masked_tokens_and_tokens(batch: Batch) -> None:
    partly = dataclasses.replace(batch, label_M=batch.label_M.copy())
    partly.label_M[0] = IGNORED
    expected = [len(batch.question_Q), 6, len(batch.label_M) - 1, len(batch.ids_T)]
    assert counts_of([partly]).tolist() == expected


def test_counts_add_up_and_an_empty_microbatch_adds_nothing(batch: Batch) -> None:
    assert counts_of([empty_batch()]).tolist() == [0, 0, 0, 0]
    both = counts_of([batch, empty_batch(), batch])
    assert torch.equal(both, 2 * counts_of([batch]))


def test_each_sum_is_divided_by_its_own_count() -> None:
    means = mean_losses(SUMS, torch.tensor([2.0, 4.0, 8.0, 100.0]))
    divisors = {"clism": 2, "mlm": 8, **dict.fromkeys(TERMS, 4)}
    assert {n: float(SUMS[n] / means[n]) for n in LOSSES} == divisors


def test_where_nothing_was_counted_the_mean_is_zero() -> None:
    means = mean_losses({name: torch.tensor(0.0) for name in LOSSES}, torch.zeros(4))
    assert {float(value) for value in means.values()} == {0.0}


def test_the_total_is_the_weighted_sum_of_equation_9() -> None:
    weights = LossConfig(
        clism=ClismConfig(weight=2), cacr=CacrConfig(weight=3), mlm=MlmConfig(weight=5)
    )
    cacr = sum(float(SUMS[term]) for term in TERMS)
    expected = 2 * float(SUMS["clism"]) + 3 * cacr + 5 * float(SUMS["mlm"])
    assert float(total_loss(SUMS, weights)) == expected
    metrics = loss_metrics(SUMS, weights, asked=True)
    assert metrics["loss/total"] == expected
    assert metrics["loss/cacr"] == cacr
    assert {metrics[f"cacr/{term}"] for term in TERMS} == {float(SUMS[term]) for term in TERMS}
    assert metrics.keys() - loss_metrics(SUMS, weights, asked=False).keys() == {"loss/clism"}


def test_a_loss_without_weight_pulls_at_nothing() -> None:
    sums = {name: torch.tensor(1.0, requires_grad=True) for name in LOSSES}
    weights = LossConfig(cacr=CacrConfig(weight=0))
    total_loss(sums, weights).backward()
    assert {name for name in LOSSES if sums[name].grad} == {"clism", "mlm"}


def test_tensors_are_the_arrays_of_a_batch(batch: Batch) -> None:
    tensors = to_tensors(batch, torch.device("cpu"))
    assert set(tensors) == {field.name for field in dataclasses.fields(batch)} - {"dropped"}
    assert all(np.array_equal(tensors[name], getattr(batch, name)) for name in tensors)


def test_dropout_depends_on_seed_epoch_and_microbatch() -> None:
    drawn = []
    for place in [(1, 0, 0), (1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)]:
        seed_dropout(*place)
        drawn.append(float(torch.rand(1)))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


DECAYS = st.sampled_from(["linear", "cosine", "constant"])


@SOME
@given(DECAYS, st.integers(0, 50), st.integers(1, 200))
def test_the_rate_never_exceeds_its_peak_rises_first_and_then_falls(
    decay: str, warmup: int, steps: int
) -> None:
    settings = OptimizerConfig(learning_rate=1e-3, warmup_steps=warmup, decay=decay)
    rates = [learning_rate(settings, step, steps) for step in range(steps)]
    assert all(0 < rate <= 1e-3 for rate in rates)
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_the_rate_has_decayed_to_nothing_where_the_run_ends(decay: str) -> None:
    settings = OptimizerConfig(learning_rate=1.0, warmup_steps=10, decay=decay)
    assert learning_rate(settings, 9, 100) == learning_rate(settings, 10, 100) == 1.0
    assert learning_rate(settings, 55, 100) == pytest.approx(0.5)
    assert learning_rate(settings, 100, 100) == pytest.approx(0.0, abs=1e-12)


def test_the_warm_up_is_a_straight_line_from_the_first_step() -> None:
    settings = OptimizerConfig(learning_rate=1.0, warmup_steps=4)
    assert [learning_rate(settings, step, 9) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
