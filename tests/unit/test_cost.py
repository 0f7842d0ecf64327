"""What a run takes, as arithmetic: batches, memory by ZeRO stage, operations, bytes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.masking.order import Plan, rows_of, worker_slots
from clism_ray.model.shape import Shape
from clism_ray.train.activations import FP32, Kept, Load, kept, longest, pair_of
from clism_ray.train.cost import Batches, checkpoint_bytes, copy_bytes, disk_bytes, operations, sent
from clism_ray.train.memory import BUCKET, LIVE, STAGES, Memory, fits, memory

BASE = Shape(
    parameters=279_475_603,
    matrices=84_934_656,
    largest=192_002_304,
    tensors=203,
    layers=12,
    hidden=768,
    heads=12,
    intermediate=3072,
    vocabulary=250_003,
    dropout=0.1,
    packed=True,
)
LOAD = Load(pairs=8, tokens=1000, squares=90_000, questions=16, masked=90)
NOTHING = Kept(layers=0, rest=0, weights=0, logits=0)
GIB = 2**30


@given(
    st.integers(1, 60),
    st.integers(1, 7),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 40),
)
def test_batches_count_what_the_order_of_a_run_visits(
    rows: int, pairs: int, slots: int, workers: int, steps: int
) -> None:
    workers = min(workers, slots)
    batches = Batches(slots=slots, pairs=pairs, workers=workers, steps=steps, rows=rows)
    plan = Plan((rows,), pairs, slots, 1)
    taken = [worker_slots(plan, 0, steps, rank, workers) for rank in range(workers)]
    visited = [
        sum(len(part.rows) for part in rows_of(plan, slot.epoch, slot.microbatch))
        for of_rank in taken
        for slot in of_rank
        if slot.microbatch is not None
    ]
    assert batches.pairs_seen == sum(visited)
    assert batches.steps_per_epoch == plan.steps
    assert batches.turns * steps == len(taken[0])
    assert batches.empty == batches.turns * workers - slots >= 0


def test_without_a_corpus_every_step_is_taken_to_be_full() -> None:
    batches = Batches(slots=4, pairs=16, workers=2, steps=10, rows=None)
    assert batches.pairs_seen == 640
    assert batches.epochs is batches.steps_per_epoch is None


def states(one: Memory) -> float:
    return one.weights + one.gradients + one.optimizer


@given(st.integers(1, 4096))
def test_states_are_those_of_the_zero_paper_with_fp32_everywhere(workers: int) -> None:
    whole = FP32 * BASE.parameters
    found = [states(memory(BASE, stage, workers, NOTHING, "cpu")) for stage in STAGES]
    share = whole / workers
    assert found == pytest.approx(
        [4 * whole, 2 * whole + 3 * share, whole + 4 * share, 4 * share], rel=1e-12
    )


def test_a_peak_is_the_largest_of_backward_step_and_start() -> None:
    forward = Kept(layers=1 * GIB, rest=0, weights=2 * GIB, logits=0.5 * GIB)
    found = memory(BASE, 2, 8, forward, "cuda")
    buffers = 2 * FP32 * BUCKET
    assert found.peak == pytest.approx(states(found) + 3 * GIB + 1.5 * GIB + buffers)
    idle = memory(BASE, 0, 8, NOTHING, "cuda")
    assert idle.peak == states(idle) + FP32 * BASE.parameters  # Adam's temporaries
    assert memory(BASE, 0, 8, NOTHING, "cuda", saving=GIB).peak == idle.peak, "it is on the host"
    on_cpu, copied = (memory(BASE, 0, 8, NOTHING, "cpu", saving=size) for size in (0, GIB))
    assert copied.peak == on_cpu.peak + GIB
    huge = replace(BASE, parameters=100 * LIVE)
    sharded = memory(huge, 3, 1024, NOTHING, "cuda")
    assert sharded.peak == sharded.starting == FP32 * 100 * LIVE * (1 + 1 / 1024)
    assert fits(sharded.peak, 500)
    assert not fits(sharded.peak, 80)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_recomputing_and_shorter_sentences_keep_less(precision: str, device: str) -> None:
    long, short = LOAD, LOAD.times(4)
    all_kept = kept(BASE, long, precision, device, recompute=False)
    assert kept(BASE, long, precision, device, recompute=True).layers < all_kept.layers / 4
    assert kept(BASE, short, precision, device, recompute=False).layers < all_kept.layers
    assert all_kept.logits == FP32 * 90 * 250_003
    assert (all_kept.weights > 0) == (precision == "bf16")


def test_fused_attention_keeps_per_token_what_korthikanti_count_without_the_scores() -> None:
    """34 D bytes a token and layer in 16 bits, H L scores left out; here sums are fp32."""
    one = replace(BASE, layers=1)
    tokens = 128 * 100
    load = Load(pairs=1, tokens=tokens, squares=0, questions=0, masked=0)
    per_token = kept(one, load, "bf16", "cuda", recompute=False).layers / tokens
    assert 34 * 768 < per_token < 45 * 768


@given(st.floats(1, 120), st.integers(1, 64))
def test_no_micro_batch_is_larger_than_the_largest(sentence: float, pairs: int) -> None:
    limits, masking = TokenizerConfig(), MaskingConfig()
    usual, most = pair_of(sentence, masking, 2).times(pairs), longest(pairs, limits, masking)
    assert usual.pairs == most.pairs == pairs
    assert usual.tokens <= most.tokens
    assert usual.squares <= most.squares
    assert usual.masked <= most.masked


def test_operations_are_six_a_weight_and_token_and_a_third_more_for_each_forward_more() -> None:
    plain = Load(pairs=1, tokens=1000, squares=0, questions=0, masked=0)
    assert operations(BASE, plain) == 6 * BASE.matrices * 1000
    assert operations(BASE, plain, recompute=True) == 8 * BASE.matrices * 1000
    assert operations(BASE, plain, encoded_first=True) == 8 * BASE.matrices * 1000
    assert operations(BASE, plain, recompute=True, encoded_first=True) == 10 * BASE.matrices * 1000
    head = operations(BASE, replace(plain, masked=2)) - operations(BASE, plain)
    assert head == 2 * 6 * 768 * (250_003 + 768)


@pytest.mark.parametrize("stage", STAGES)
def test_one_worker_sends_nothing_and_many_send_no_more_than_whole_passes(stage: int) -> None:
    assert sent(BASE, stage, 1, 4) == 0
    whole = FP32 * BASE.parameters
    assert sent(BASE, stage, 10**9, 1) == pytest.approx({0: 2, 1: 3, 2: 3, 3: 2}[stage] * whole)
    assert sent(BASE, stage, 2, 4) / sent(BASE, stage, 2, 1) == pytest.approx(
        {0: 1, 1: 1, 2: 3, 3: 4}[stage]
    )


def test_a_copy_is_of_a_share_and_no_parameter_is_cut() -> None:
    assert copy_bytes(BASE, 1) == 12 * BASE.parameters
    assert copy_bytes(BASE, 2) == 12 * max(BASE.parameters / 2, BASE.largest)
    assert copy_bytes(BASE, 1024) == 12 * BASE.largest


def test_a_run_has_a_checkpoint_and_a_model_more_on_disk_than_it_keeps() -> None:
    assert checkpoint_bytes(BASE) == pytest.approx(12 * BASE.parameters, rel=1e-3)
    assert disk_bytes(BASE, 3) - disk_bytes(BASE, 2) == checkpoint_bytes(BASE)
