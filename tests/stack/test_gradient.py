"""Steps of real engines: with negatives of a whole step too, two workers draw the curve of one."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from clism_ray.errors import RunFailed
from clism_ray.masking.microbatch import Recipe, build, open_recipe
from clism_ray.masking.order import worker_slots
from tests import process_group
from tests.corpora import write_tiny_corpus
from tests.recipes import tiny_recipe

pytestmark = pytest.mark.timeout(300)  # three processes, each of which loads DeepSpeed

STEPS = 3
SLOTS = 3  # two workers have an empty one beside them, and an epoch's second step one among them
STAGES = (0, 2, 3)
PRECISION = 1e-5

Curves = dict[int, dict[str, list[list[float]]]]  # by workers and ZeRO stage


def configuration(stage: int) -> PretrainConfig:
    tree = {
        "name": "x",
        "corpus": "x",
        "length": {"steps": STEPS},
        "model": {"scratch": {"layers": 2, "hidden": 16, "heads": 2, "intermediate": 24}},
        "losses": {"cacr": {"negatives": "global"}},
        "batch": {"slots": SLOTS, "pairs": 6},
        "optimizer": {"learning_rate": 1e-2},
        "zero": {"stage": stage},
    }
    return parse(PretrainConfig, tree)


def work(rank: int, workers: int, root: Path, recipe: Recipe) -> None:
    """Take steps under each stage; rank 0 writes their losses."""
    curves, kept = {}, {}
    for stage in STAGES:
        engine = start(configuration(stage), recipe, workers)
        curves[stage] = curve(engine, configuration(stage), recipe, rank, workers)
        kept[stage] = keeps_weights(engine, configuration(stage), recipe, rank, workers)
    if rank == 0:
        (root / f"{workers}.json").write_text(json.dumps(curves))
        (root / f"{workers}-kept.json").write_text(json.dumps(kept))


def start(config: PretrainConfig, recipe: Recipe, workers: int) -> Any:
    """An engine with drawn weights."""
    from clism_ray.model.pretrainer import build_model
    from clism_ray.train.engine import start_engine

    model = build_model(
        config.model,
        config.tokenizer,
        open_recipe(recipe).words.tokenizer,
        temperature=config.losses.cacr.temperature,
        language_pairs=2,
        precision="fp32",
        seed=3,
    )
    return start_engine(model, config, workers)


def curve(
    engine: Any, config: PretrainConfig, recipe: Recipe, rank: int, workers: int
) -> list[list[float]]:
    """Of each step the means of all losses and the norm of the gradient. Dropout is on."""
    from clism_ray.train.engine import change_weights
    from clism_ray.train.step import LOSSES, mean_losses

    found = []
    for step in range(STEPS):
        sums, counts = backwards(engine, config, recipe, (step, rank, workers))
        norm = change_weights(engine, step)
        means = mean_losses(dict(zip(LOSSES, sums, strict=False)), counts)
        found.append([*(float(means[name]) for name in LOSSES), norm])
    return found


def backwards(
    engine: Any, config: PretrainConfig, recipe: Recipe, place: tuple[int, int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of a step, for a rank of so many workers; the losses' sums, and the counts."""
    from clism_ray.train.gradient import accumulate
    from clism_ray.train.step import counts_of
    from clism_ray.train.validate import all_sum

    device, (step, rank, workers) = torch.device("cpu"), place
    slots = worker_slots(open_recipe(recipe).plan, step, step + 1, rank, workers)
    taken = [(slot, build(recipe, slot)) for slot in slots]
    counts = all_sum(counts_of([batch for _, batch in taken]), device)
    return all_sum(accumulate(engine, taken, counts, config, device), device), counts


def keeps_weights(
    engine: Any, config: PretrainConfig, recipe: Recipe, rank: int, workers: int
) -> bool:
    """Whether a gradient that is not finite ends in RunFailed with all weights as they were."""
    from clism_ray.train.engine import change_weights, full_weights

    before = full_weights(engine)
    next(engine.module.parameters()).register_hook(lambda gradient: gradient * math.inf)
    backwards(engine, config, recipe, (0, rank, workers))
    with pytest.raises(RunFailed, match="the gradient is not finite at step 8"):
        change_weights(engine, 8)
    after = full_weights(engine)
    return all(torch.equal(before[name], after[name]) for name in before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curves")


@pytest.fixture(scope="module")
def curves(folder: Path) -> Curves:
    root = folder
    write_tiny_corpus(root / "corpus", rows=30, window_rows=20)
    recipe = tiny_recipe(root, 30, 400, pairs=6, slots=SLOTS)
    for workers in (1, 2):
        process_group.spawn(workers, work, workers, root, recipe)
    return {n: json.loads((root / f"{n}.json").read_text()) for n in (1, 2)}


@pytest.mark.parametrize("stage", STAGES)
def test_two_workers_draw_the_curve_of_one(curves: Curves, stage: int) -> None:
    alone, shared = (torch.tensor(curves[workers][str(stage)]) for workers in (1, 2))
    assert len({round(float(losses.sum()), 3) for losses in alone}) == STEPS, "nothing was learnt"
    assert torch.allclose(shared, alone, rtol=PRECISION, atol=PRECISION)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gradient_that_is_not_finite_changes_no_weight(
    curves: Curves, folder: Path, workers: int
) -> None:
    assert json.loads((folder / f"{workers}-kept.json").read_text()) == {
        str(stage): True for stage in STAGES
    }


def test_one_curve_is_drawn_under_all_stages(curves: Curves) -> None:
    for by_stage in curves.values():
        one, *others = (torch.tensor(by_stage[str(stage)]) for stage in STAGES)
        for other in others:
            assert torch.allclose(one, other, rtol=PRECISION, atol=PRECISION)
