"""Validation on held-out pairs, in a group of one process; and worked examples."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

from clism_ray.config import (
    LengthConfig,
    MaskingConfig,
    ModelConfig,
    PretrainConfig,
    ScratchConfig,
    TokenizerConfig,
    ValidationConfig,
)
from clism_ray.config_losses import CacrConfig, ClismConfig, LossConfig
from clism_ray.masking.microbatch import Recipe, open_recipe
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.tasks.probes import PROBES, Pairs
from clism_ray.train.probes import as_pairs, encoded_pairs
from clism_ray.train.step import metric_names, to_tensors
from clism_ray.train.validate import dev_batches, dev_pairs, validate
from clism_ray.train.worked import work_examples

LANGUAGES = ("en-de", "en-zh")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(recipe: Recipe) -> PretrainModel:
    return build_model(
        ModelConfig(scratch=ScratchConfig(layers=1, hidden=16, heads=2, intermediate=24)),
        TokenizerConfig(),
        open_recipe(recipe).words.tokenizer,
        temperature=0.1,
        language_pairs=2,
        precision="fp32",
        seed=5,
    )


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    file = tmp_path_factory.mktemp("group") / "store"
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize(("asked", "found"), [(3, 3), (6, 6), (99, 6)])
def test_so_many_held_out_pairs_of_each_language_are_taken(
    recipe: Recipe, asked: int, found: int
) -> None:
    pairs = dev_pairs(recipe, asked)
    assert Counter(pair.target_language for pair in pairs) == {"de": found, "zh": found}
    assert all(pair.row_id >= 90 for pair in pairs)  # train has rows 0 to 89


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_workers_share_the_same_microbatches_and_have_as_many(recipe: Recipe, workers: int) -> None:
    pairs = dev_pairs(recipe, 6)
    shares = [dev_batches(recipe, pairs, rank, workers, probes=True) for rank in range(workers)]
    assert len({len(share) for share in shares}) == 1
    rows = [row for share in shares for batch in share for row in batch.row_id_B if row >= 0]
    assert sorted(rows) == [pair.row_id for pair in pairs]


@pytest.mark.usefixtures("group")
def test_validation_is_the_same_each_time_and_leaves_the_model_training(
    recipe: Recipe, model: PretrainModel
) -> None:
    batches = dev_batches(recipe, dev_pairs(recipe, 6), 0, 1, probes=True)
    model.train()
    first, again = (validate(model, batches, LossConfig(), LANGUAGES, CPU) for _ in range(2))
    assert first == again
    assert model.training
    losses = [first[f"validation/loss/{name}"] for name in ("clism", "cacr", "mlm")]
    assert first["validation/loss/total"] == pytest.approx(sum(losses))
    for name in ("accuracy", "perplexity", *PROBES):
        each = [first[f"validation/{name}/{language}"] for language in LANGUAGES]
        assert first[f"validation/{name}"] == sum(each) / 2
    assert first["validation/questions"] == sum(len(batch.question_Q) for batch in batches)


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize(("questions", "probes"), [(True, True), (False, True), (True, False)])
def test_what_is_told_by_step_is_what_a_sweep_may_search_for(
    recipe: Recipe, model: PretrainModel, questions: bool, probes: bool
) -> None:
    masking = MaskingConfig(questions=questions)
    asking = replace(recipe, masking=masking)
    batches = dev_batches(asking, dev_pairs(asking, 6), 0, 1, probes=probes)
    found = validate(model, batches, LossConfig(), LANGUAGES, CPU)
    weight = float(questions)
    config = PretrainConfig(
        name="run",
        corpus=recipe.corpus,
        masking=masking,
        losses=LossConfig(clism=ClismConfig(weight=weight), cacr=CacrConfig(weight=weight)),
        length=LengthConfig(steps=1),
        validation=ValidationConfig(probes=probes),
    )
    known = {name for name in metric_names(config, LANGUAGES) if name.startswith("validation/")}
    assert found.keys() - {"validation/questions"} == known
    assert ("validation/accuracy" in found) == (found["validation/questions"] > 0) == questions


@pytest.mark.usefixtures("group")
def test_perplexity_is_of_the_masked_tokens_of_a_language(
    recipe: Recipe, model: PretrainModel
) -> None:
    german = [pair for pair in dev_pairs(recipe, 6) if pair.target_language == "de"]
    found, only = (
        validate(model, dev_batches(recipe, pairs, 0, 1, probes=True), LossConfig(), LANGUAGES, CPU)
        for pairs in (dev_pairs(recipe, 6), german)
    )
    expected = math.exp(only["validation/loss/mlm"])
    assert found["validation/perplexity/en-de"] == pytest.approx(expected, rel=1e-5)
    assert only["validation/perplexity"] == pytest.approx(expected, rel=1e-5)
    assert "validation/perplexity/en-zh" not in only
    assert "validation/retrieval/en-zh" not in only


@pytest.mark.usefixtures("group")
def test_validation_draws_nothing_from_the_generators_of_training(
    recipe: Recipe, model: PretrainModel
) -> None:
    batches = dev_batches(recipe, dev_pairs(recipe, 6), 0, 1, probes=True)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    validate(model, batches, LossConfig(), LANGUAGES, CPU)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_the_vectors_of_all_workers_are_those_of_one(
    recipe: Recipe, model: PretrainModel, workers: int
) -> None:
    alone, together = (encoded_by(recipe, model, number) for number in (1, workers))
    assert len(alone.source_PD) == 12
    for field in dataclasses.fields(Pairs):
        assert np.array_equal(getattr(alone, field.name), getattr(together, field.name))


def encoded_by(recipe: Recipe, model: PretrainModel, workers: int) -> Pairs:
    """The held-out pairs as so many workers encode them, those of the last worker first."""
    found = []
    with torch.no_grad():
        for rank in reversed(range(workers)):
            for batch in dev_batches(recipe, dev_pairs(recipe, 6), rank, workers, probes=True):
                out = model.eval()(to_tensors(batch, CPU), batch.offsets_N1.tolist())
                found += encoded_pairs(batch, out["alone_2BD"].numpy())
    return as_pairs(found)


@pytest.mark.usefixtures("group")
def test_without_held_out_pairs_there_is_nothing_to_tell(model: PretrainModel) -> None:
    found = validate(model, [], LossConfig(), LANGUAGES, CPU)
    assert set(found.values()) == {0.0}
    assert not any("accuracy" in name or "perplexity" in name for name in found)


def test_worked_examples_show_every_language_with_the_right_answer(
    recipe: Recipe, model: PretrainModel, tmp_path: Path
) -> None:
    tokenizer = open_recipe(recipe).words.tokenizer
    export_model(tmp_path / "best", model.masked_lm, model.state_dict(), tokenizer, "")
    pairs = dev_pairs(recipe, 6)
    examples = work_examples(tmp_path / "best", recipe, pairs, 3)
    assert {example.language for example in examples[:2]} == set(LANGUAGES)
    assert len(examples) == 3
    silent = replace(recipe, masking=MaskingConfig(questions=False))
    assert work_examples(tmp_path / "best", silent, pairs, 3) == []
    for example in examples:
        assert example.answer in example.target
        assert " [QUE] " in f" {example.masked_source} "
