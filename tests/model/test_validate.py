"""Validation on held-out pairs, in a group of one process; and worked examples."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from clism_ray.config import LossConfig, ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.masking.microbatch import Recipe, open_recipe
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.train.validate import dev_batches, dev_pairs, validate
from clism_ray.train.worked import work_examples

LANGUAGES = ("en-de", "en-zh")


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
    shares = [dev_batches(recipe, pairs, rank, workers) for rank in range(workers)]
    assert len({len(share) for share in shares}) == 1
    rows = [row for share in shares for batch in share for row in batch.row_id_B if row >= 0]
    assert sorted(rows) == [pair.row_id for pair in pairs]


@pytest.mark.usefixtures("group")
def test_validation_is_the_same_each_time_and_leaves_the_model_training(
    recipe: Recipe, model: PretrainModel
) -> None:
    batches = dev_batches(recipe, dev_pairs(recipe, 6), 0, 1)
    model.train()
    first, again = (
        validate(model, batches, LossConfig(), LANGUAGES, torch.device("cpu")) for _ in range(2)
    )
    assert first == again
    assert model.training
    losses = [first[f"validation/loss/{name}"] for name in ("clism", "cacr", "mlm")]
    assert first["validation/loss/total"] == pytest.approx(sum(losses))
    each = [first[f"validation/accuracy/{language}"] for language in LANGUAGES]
    assert first["validation/accuracy"] == sum(each) / 2
    assert first["validation/questions"] == sum(len(batch.question_Q) for batch in batches)


@pytest.mark.usefixtures("group")
def test_without_held_out_pairs_every_figure_is_zero(model: PretrainModel) -> None:
    found = validate(model, [], LossConfig(), LANGUAGES, torch.device("cpu"))
    assert set(found.values()) == {0.0}


def test_worked_examples_show_every_language_with_the_right_answer(
    recipe: Recipe, model: PretrainModel, tmp_path: Path
) -> None:
    tokenizer = open_recipe(recipe).words.tokenizer
    export_model(tmp_path / "best", model.masked_lm, model.state_dict(), tokenizer, "")
    pairs = dev_pairs(recipe, 6)
    examples = work_examples(tmp_path / "best", recipe, pairs, 3)
    assert {example.language for example in examples[:2]} == set(LANGUAGES)
    assert len(examples) == 3
    for example in examples:
        assert example.answer in example.target
        assert " [QUE] " in f" {example.masked_source} "
