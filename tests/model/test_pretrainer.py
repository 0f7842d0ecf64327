"""The pre-training model: sums of every loss from a micro-batch."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from clism_ray.config import MaskingConfig, ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.config_losses import CacrConfig, ClismConfig, LossConfig
from clism_ray.corpus.rows import read_rows
from clism_ray.masking.collate import collate, empty_batch, with_targets_alone
from clism_ray.masking.microbatch import Recipe, examples_of, open_recipe
from clism_ray.masking.order import rows_of
from clism_ray.model.encoder import encode
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import Batch, Example
from clism_ray.train.step import (
    LOSSES,
    counts_of,
    mean_losses,
    seed_dropout,
    to_tensors,
    total_loss,
)
from tests.corpora import tiny_pair

CPU = torch.device("cpu")
SHAPE = ScratchConfig(layers=2, hidden=16, heads=2, intermediate=24)


def model_of(recipe: Recipe, precision: str = "fp32", seed: int = 5) -> PretrainModel:
    return build_model(
        ModelConfig(scratch=SHAPE),
        TokenizerConfig(),
        open_recipe(recipe).words.tokenizer,
        temperature=0.1,
        language_pairs=2,
        precision=precision,
        seed=seed,
    )


def run(model: PretrainModel, batch: Batch) -> dict[str, Tensor]:
    out: dict[str, Tensor] = model(to_tensors(batch, CPU), batch.offsets_N1.tolist())
    return out


def gradients(model: PretrainModel, loss: Tensor) -> dict[str, Tensor | None]:
    model.zero_grad()
    loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def total(out: dict[str, Tensor], counts: Tensor, weights: LossConfig | None = None) -> Tensor:
    return total_loss(mean_losses(out, counts), weights or LossConfig())


def near(one: dict[str, Tensor | None], other: dict[str, Tensor | None], atol: float) -> bool:
    return one.keys() == other.keys() and all(
        a is not None and b is not None and torch.allclose(a, b, rtol=1e-4, atol=atol)
        for a, b in zip(one.values(), other.values(), strict=True)
    )


def test_equal_seeds_give_equal_weights_and_other_seeds_others(recipe: Recipe) -> None:
    one, same, other = (list(model_of(recipe, seed=s).parameters()) for s in (5, 5, 6))
    assert all(map(torch.equal, one, same))
    assert not all(map(torch.equal, one, other))


def test_evaluation_is_repeatable_and_dropout_follows_its_seed(
    recipe: Recipe, batch: Batch
) -> None:
    model = model_of(recipe)

    def drop(microbatch: int) -> float:
        seed_dropout(13, 0, microbatch)
        return float(run(model, batch)["clism"].detach())

    assert drop(1) == drop(1) != drop(2)
    model.eval()
    assert drop(1) == drop(2)


def test_one_question_counts_as_itself_whatever_stands_beside_it(recipe: Recipe) -> None:
    """Sums of CLISM and MLM over a micro-batch are those of its examples alone."""
    model = model_of(recipe).eval()
    parts = [run(model, one) for one in split(some_examples(recipe), [1] * 4)]
    whole = run(model, *split(some_examples(recipe), [4]))
    for name in ("clism", "mlm", "exact_L", "asked_L"):
        assert torch.allclose(sum(part[name] for part in parts), whole[name], rtol=1e-5)


def some_examples(recipe: Recipe) -> list[Example]:
    made = examples_of(recipe, [tiny_pair(row) for row in range(4)], epoch=0)
    return [example for example in made if isinstance(example, Example)]


def split(examples: Sequence[Example], sizes: list[int]) -> list[Batch]:
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    return [
        collate(examples[end - size : end], ("en-de", "en-zh"), {})
        for size, end in zip(sizes, ends, strict=True)
    ]


@pytest.mark.parametrize("sizes", [[1, 1, 1, 1], [3, 1], [0, 2, 0, 2]])
def test_however_a_step_is_split_its_gradient_is_the_same(recipe: Recipe, sizes: list[int]) -> None:
    """Of CLISM and MLM; CACR's negatives come from the micro-batch."""
    weights = LossConfig(cacr=CacrConfig(weight=0.0))
    model = model_of(recipe).eval()
    examples = some_examples(recipe)
    found = []
    for batches in (split(examples, [4]), split(examples, sizes)):
        counts = counts_of(batches)
        losses = [total(run(model, one), counts, weights) for one in batches]
        found.append(gradients(model, torch.stack(losses).sum()))
    assert near(*found, atol=1e-5)


def test_an_empty_microbatch_gives_nothing_and_a_zero_gradient_to_every_parameter(
    recipe: Recipe,
) -> None:
    model = model_of(recipe)
    out = run(model, empty_batch())
    assert [float(out[name].detach()) for name in LOSSES] == [0.0] * len(LOSSES)
    assert not out["asked_L"].any()
    for name, gradient in gradients(model, total(out, counts_of([empty_batch()]))).items():
        assert gradient is not None, name
        assert not gradient.any(), name


def silent_batch(recipe: Recipe) -> Batch:
    """Four pairs that nothing is asked about."""
    silent = replace(recipe, masking=MaskingConfig(questions=False))
    made = examples_of(silent, [tiny_pair(row) for row in range(4)], epoch=0)
    return collate([e for e in made if isinstance(e, Example)], ("en-de", "en-zh"), {})


def test_without_questions_mlm_teaches_the_encoder_and_the_span_head_stays_as_it_is(
    recipe: Recipe,
) -> None:
    weights = LossConfig(clism=ClismConfig(weight=0), cacr=CacrConfig(weight=0))
    model, batch = model_of(recipe), silent_batch(recipe)
    counts = counts_of([batch])
    assert counts[0] == 0
    out = run(model, batch)
    assert all(out[name].isfinite() for name in LOSSES)
    assert float(out["clism"].detach()) == 0
    assert not out["asked_L"].any()
    for name, gradient in gradients(model, total(out, counts, weights)).items():
        assert gradient is not None, name
        assert gradient.isfinite().all()
        if "key.bias" not in name:  # softmax is blind to it
            assert gradient.any() != name.startswith("span_head"), name


def test_every_parameter_learns_from_a_real_microbatch(recipe: Recipe, batch: Batch) -> None:
    model = model_of(recipe)
    found = gradients(model, total(run(model, batch), counts_of([batch])))
    still = {name for name, gradient in found.items() if gradient is None or not gradient.any()}
    assert {name for name in still if "key.bias" not in name} == set()  # softmax is blind to it


def test_recomputed_activations_change_neither_loss_nor_gradient(
    recipe: Recipe, batch: Batch
) -> None:
    found = []
    for recompute in (False, True):
        model = model_of(recipe)
        if recompute:
            model.masked_lm.activation_checkpointing_enable({"use_reentrant": False})
        seed_dropout(13, 0, 0)
        loss = total(run(model, batch), counts_of([batch]))
        found.append((float(loss.detach()), gradients(model, loss)))
    assert found[0][0] == found[1][0]
    assert near(found[0][1], found[1][1], atol=1e-6)


def test_bf16_products_come_near_fp32_and_weights_stay_fp32(recipe: Recipe, batch: Batch) -> None:
    exact, rough = (model_of(recipe, precision).eval() for precision in ("fp32", "bf16"))
    counts = counts_of([batch])
    losses = [total(run(model, batch), counts) for model in (exact, rough)]
    assert float(losses[1].detach()) == pytest.approx(float(losses[0].detach()), rel=0.02)
    assert float(losses[1].detach()) != float(losses[0].detach())
    found = gradients(rough, losses[1])
    assert {g.dtype for g in found.values() if g is not None} == {torch.float32}


def test_questions_are_counted_by_language(recipe: Recipe, batch: Batch) -> None:
    out = run(model_of(recipe).eval(), batch)
    sequence = torch.tensor(batch.question_Q)
    pair = torch.searchsorted(torch.tensor(batch.offsets_N1[1:]), sequence, right=True)
    asked = torch.bincount(torch.tensor(batch.language_B)[pair], minlength=2)
    assert out["asked_L"].tolist() == asked.tolist()
    assert (out["exact_L"] <= out["asked_L"]).all()


def test_the_mlm_loss_and_its_tokens_are_told_by_language(recipe: Recipe) -> None:
    model = model_of(recipe).eval()
    whole = run(model, *split(some_examples(recipe), [4]))
    assert torch.allclose(whole["mlm_L"].sum(), whole["mlm"])
    for number, language in enumerate(("en-de", "en-zh")):
        (own,) = split([e for e in some_examples(recipe) if e.language == language], [2])
        out = run(model, own)
        assert float(out["mlm_L"][number]) == pytest.approx(float(whole["mlm_L"][number]), rel=1e-5)
        assert whole["masked_L"][number] == counts_of([own])[2]


def test_the_sentences_of_a_pair_are_encoded_alone_and_nothing_else_changes(
    recipe: Recipe, batch: Batch
) -> None:
    model = model_of(recipe).eval()
    without, out = run(model, batch), run(model, with_targets_alone(batch))
    for name in without.keys() - {"alone_2BD"}:
        assert torch.allclose(without[name], out[name], rtol=1e-5), name
    kitchen = open_recipe(recipe)
    rows = rows_of(kitchen.plan, 0, 0)
    pairs = [
        pair
        for part in rows
        for pair in read_rows(recipe.corpus, kitchen.train_windows[part.window], part.rows)
    ]
    tokenizer, encoder = kitchen.words.tokenizer, model.masked_lm.base_model
    texts = [pair.source for pair in pairs] + [pair.target for pair in pairs]
    for text, vector_D in zip(texts, out["alone_2BD"], strict=True):
        ids = torch.tensor(tokenizer(text)["input_ids"])
        states = encode(encoder, ids, torch.zeros_like(ids), [0, len(ids)])
        assert torch.allclose(states[1:-1].mean(0), vector_D, atol=1e-5)


def test_a_model_that_points_right_is_told_so(recipe: Recipe, batch: Batch) -> None:
    """`point` gives the scores that the loss and the accuracy are made of."""
    model = model_of(recipe).eval()
    tensors = to_tensors(batch, CPU)
    scores = model.point(tensors, batch.offsets_N1.tolist())
    tensors["start_Q"], tensors["end_Q"] = (s.argmax(1) for s in scores)
    out = model(tensors, batch.offsets_N1.tolist())
    assert torch.equal(out["exact_L"], out["asked_L"])
    assert float(out["asked_L"].sum()) == len(batch.question_Q)
