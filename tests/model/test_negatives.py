"""The gradient of a step is the same however its pairs lie on slots and workers."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.config_losses import LossConfig
from clism_ray.losses.cacr import TERMS, cacr_loss
from clism_ray.masking.collate import collate, empty_batch
from clism_ray.masking.microbatch import Recipe, examples_of, open_recipe
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import Batch, Example
from clism_ray.train.negatives import contrast_slots, in_slot_order, place
from clism_ray.train.step import (
    LOSSES,
    counts_of,
    mean_losses,
    microbatch_loss,
    seed_dropout,
    to_tensors,
    total_loss,
)
from tests.corpora import tiny_pair

CPU = torch.device("cpu")
TEMPERATURE = 0.1
PRECISION = 1e-5  # fp32
FEW = settings(max_examples=10)

Found = tuple[Tensor, dict[str, Tensor]]  # sums of LOSSES; gradients


@pytest.fixture(scope="module")
def model(recipe: Recipe) -> PretrainModel:
    shape = ScratchConfig(layers=2, hidden=16, heads=2, intermediate=24, dropout=0.2)
    return build_model(
        ModelConfig(scratch=shape),
        TokenizerConfig(),
        open_recipe(recipe).words.tokenizer,
        temperature=TEMPERATURE,
        language_pairs=2,
        precision="fp32",
        seed=5,
    )


@pytest.fixture(scope="module")
def examples(recipe: Recipe) -> list[Example]:
    """Seven, of which the last has the source of the first and the target of the second."""
    made = examples_of(recipe, [tiny_pair(row) for row in range(6)], epoch=0)
    found = [example for example in made if isinstance(example, Example)]
    first, second = found[:2]
    assert len(found) == 6
    keys = {"source_key": first.source_key, "target_key": second.target_key}
    return [*found, replace(found[5], row_id=6, **keys)]


def cut(examples: Sequence[Example], ends: Sequence[int]) -> list[Batch]:
    bounds = [0, *sorted(ends), len(examples)]
    return [
        collate(examples[start:stop], ("en-de", "en-zh"), {}) for start, stop in pairwise(bounds)
    ]


CUTS = st.lists(st.integers(0, 7), max_size=4)  # slots may be empty


def run(
    model: PretrainModel, batch: Batch, slot: int, vectors_alone: bool = False
) -> dict[str, Tensor]:
    seed_dropout(13, 0, slot)
    tensors = to_tensors(batch, next(model.parameters()).device)
    out: dict[str, Tensor] = model(tensors, batch.offsets_N1.tolist(), vectors_alone)
    return out


def gradients(model: PretrainModel) -> dict[str, Tensor]:
    found = {name: weight.grad for name, weight in model.named_parameters()}
    lacking = [name for name, gradient in found.items() if gradient is None]
    assert lacking == [], "every micro-batch touches every parameter"
    model.zero_grad()
    return {name: gradient for name, gradient in found.items() if gradient is not None}


def sums_of(out: dict[str, Tensor]) -> Tensor:
    return torch.stack([out[name] for name in LOSSES]).detach()


def turns_of(batches: list[Batch], workers: int) -> list[list[tuple[int, Batch]]]:
    """(slot, micro-batch) of each worker in turn, with those that even them out."""
    turns = -(-len(batches) // workers)
    filled = [*batches, *[empty_batch()] * (turns * workers - len(batches))]
    return [list(enumerate(filled))[rank::workers] for rank in range(workers)]


def by_micro_batch(model: PretrainModel, batches: list[Batch], workers: int) -> Found:
    counts, total = counts_of(batches), torch.zeros(len(LOSSES))
    shares = []
    for turns in turns_of(batches, workers):
        for slot, batch in turns:
            out = run(model, batch, slot)
            microbatch_loss(out, counts, LossConfig()).backward()
            total += sums_of(out)
        shares.append(gradients(model))
    return total, {name: sum(share[name] for share in shares) for name in shares[0]}


def cached(model: PretrainModel, batches: list[Batch], workers: int) -> Found:
    """Global negatives as `workers` would find them, one after the other."""
    counts, slots = counts_of(batches), len(batches)
    places = max(len(batch.row_id_B) for batch in batches)
    shared = turns_of(batches, workers)
    with torch.no_grad():
        placed = [
            [
                place(run(model, batch, slot, True)["pooled_3BD"], to_tensors(batch, CPU), places)
                for slot, batch in turns
            ]
            for turns in shared
        ]
    vectors, keys = (
        in_slot_order(torch.stack([torch.stack([p[part] for p in own]) for own in placed]), slots)
        for part in (0, 1)
    )
    found = [
        contrast_slots(vectors, keys, range(rank, slots, workers), TEMPERATURE)
        for rank in range(workers)
    ]
    whole_K3mD: Any = sum(gradient for _, gradient in found)
    total, shares = torch.zeros(len(LOSSES)), []
    for turns, (terms, _) in zip(shared, found, strict=True):
        for turn, (slot, batch) in enumerate(turns):
            out = run(model, batch, slot)
            pull = torch.zeros_like(out["pooled_3BD"])
            told = dict.fromkeys(TERMS, torch.zeros(()))
            if slot < slots:
                own_3mD = whole_K3mD[slot]
                pull = own_3mD[:, : len(batch.row_id_B)].reshape(pull.shape)
                told = terms[turn]
            microbatch_loss(out, counts, LossConfig(), pull).backward()
            total += sums_of({**out, **told})
        shares.append(gradients(model))
    return total, {name: sum(share[name] for share in shares) for name in shares[0]}


def at_once(model: PretrainModel, batches: list[Batch]) -> Found:
    """Global negatives with every graph kept: nothing is cached."""
    outs = [run(model, batch, slot) for slot, batch in enumerate(batches)]
    whole = {name: torch.stack([out[name] for out in outs]).sum() for name in LOSSES}
    vectors = torch.cat([out["pooled_3BD"].view(3, -1, 16) for out in outs], dim=1)
    rows, sources, targets = (
        torch.cat([torch.from_numpy(getattr(batch, name)) for batch in batches])
        for name in ("row_id_B", "source_key_B", "target_key_B")
    )
    terms, _ = cacr_loss(vectors.flatten(0, 1), TEMPERATURE, sources, targets, rows >= 0)
    whole |= dict(zip(TERMS, terms, strict=True))
    total_loss(mean_losses(whole, counts_of(batches)), LossConfig()).backward()
    return sums_of(whole), gradients(model)


def assert_same(one: Found, other: Found) -> None:
    assert torch.allclose(one[0], other[0], rtol=PRECISION, atol=PRECISION)
    size = torch.stack([gradient.norm() for gradient in one[1].values()]).norm()
    assert size > 0.1
    for name, gradient in one[1].items():
        assert (gradient - other[1][name]).norm() < PRECISION * size, name


@FEW
@given(CUTS, st.data())
def test_however_slots_are_shared_out_a_step_has_one_gradient(
    model: PretrainModel, examples: list[Example], ends: list[int], data: st.DataObject
) -> None:
    """Dropout is on, and of each slot its own."""
    model.train()
    batches = cut(examples, ends)
    workers = data.draw(st.integers(1, len(batches)))
    assert_same(by_micro_batch(model, batches, 1), by_micro_batch(model, batches, workers))
    assert_same(at_once(model, batches), cached(model, batches, workers))


@FEW
@given(CUTS, st.data())
def test_with_global_negatives_however_pairs_lie_on_slots_it_is_that_of_one_big_batch(
    model: PretrainModel, examples: list[Example], ends: list[int], data: st.DataObject
) -> None:
    model.eval()
    batches = cut(examples, ends)
    workers = data.draw(st.integers(1, len(batches)))
    assert_same(by_micro_batch(model, cut(examples, []), 1), cached(model, batches, workers))


def test_negatives_of_other_slots_count(model: PretrainModel, examples: list[Example]) -> None:
    model.eval()
    batches = cut(examples, [3])
    own, whole = (sums_of_terms(by(model, batches, 1)) for by in (by_micro_batch, cached))
    assert (own < whole).all()


def sums_of_terms(found: Found) -> Tensor:
    return torch.stack([found[0][LOSSES.index(term)] for term in TERMS])


def test_slots_stand_in_order_whoever_held_them() -> None:
    for workers, turns, slots in ((1, 5, 5), (2, 3, 5), (3, 2, 5), (5, 1, 5)):
        held = [[turn * workers + rank for turn in range(turns)] for rank in range(workers)]
        assert in_slot_order(torch.tensor(held), slots).tolist() == list(range(slots))


CUDA = pytest.param(
    "cuda",
    "bf16",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    ],
)


@pytest.mark.parametrize(("device", "precision"), [("cpu", "fp32"), ("cpu", "bf16"), CUDA])
def test_vectors_without_a_graph_are_those_with_one(
    model: PretrainModel,
    examples: list[Example],
    device: str,
    precision: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the cached gradient would be of others than it is given to."""
    monkeypatch.setattr(model, "precision", precision)
    model.train().to(device)
    (batch,) = cut(examples, [])
    with torch.no_grad():
        without = run(model, batch, 0, vectors_alone=True)
    whole = run(model, batch, 0)["pooled_3BD"].detach()
    other = run(model, batch, 1)["pooled_3BD"].detach()
    model.to(CPU)
    assert list(without) == ["pooled_3BD"]
    assert torch.allclose(without["pooled_3BD"], whole, rtol=0, atol=1e-6)
    assert not torch.allclose(other, whole, rtol=0, atol=1e-2)


class Held:
    """A tensor that a graph holds, and how many bytes all graphs hold."""

    now, peak = 0, 0

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()  # a result that its own graph holds would stay for ever
        Held.now += tensor.nbytes
        Held.peak = max(Held.peak, Held.now)

    def __del__(self) -> None:
        Held.now -= self.tensor.nbytes


def peak_of_graphs(model: PretrainModel, batches: list[Batch]) -> int:
    Held.peak = Held.now = 0
    with torch.autograd.graph.saved_tensors_hooks(Held, lambda held: held.tensor):
        cached(model, batches, 1)
    return Held.peak


def test_more_slots_hold_no_more_activations(model: PretrainModel, examples: list[Example]) -> None:
    model.train()
    batch = cut(examples, [])
    few, many = (peak_of_graphs(model, batch * slots) for slots in (2, 8))
    assert few == many > 10_000
