"""Steps of real engines: with negatives of a whole step too, two workers draw the curve of one."""

import json
from pathlib import Path

import pytest
import torch

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from clism_ray.masking.microbatch import Recipe, build, open_recipe
from clism_ray.masking.order import worker_slots
from tests import process_group
from tests.corpora import write_tiny_corpus
from tests.recipes import tiny_recipe

pytestmark = pytest.mark.timeout(300)  # three processes, each of which loads DeepSpeed

STEPS = 3
SLOTS = 3  # two workers have an empty one beside them, and an epoch's second step one among them
STAGES = (2, 3)
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
    curves = {stage: curve(configuration(stage), recipe, rank, workers) for stage in STAGES}
    if rank == 0:
        (root / f"{workers}.json").write_text(json.dumps(curves))


def curve(config: PretrainConfig, recipe: Recipe, rank: int, workers: int) -> list[list[float]]:
    """Of each step the means of all losses and the norm of the gradient. Dropout is on."""
    from clism_ray.model.pretrainer import build_model
    from clism_ray.train.engine import start_engine
    from clism_ray.train.gradient import accumulate
    from clism_ray.train.step import LOSSES, counts_of, mean_losses
    from clism_ray.train.validate import all_sum

    device = torch.device("cpu")
    kitchen = open_recipe(recipe)
    model = build_model(
        config.model,
        config.tokenizer,
        kitchen.words.tokenizer,
        temperature=config.losses.cacr.temperature,
        language_pairs=2,
        precision="fp32",
        seed=3,
    )
    engine = start_engine(model, config, workers)
    found = []
    for step in range(STEPS):
        taken = [
            (slot, build(recipe, slot))
            for slot in worker_slots(kitchen.plan, step, step + 1, rank, workers)
        ]
        counts = all_sum(counts_of([batch for _, batch in taken]), device)
        sums = all_sum(accumulate(engine, taken, counts, config, device), device)
        engine.step()
        means = mean_losses(dict(zip(LOSSES, sums, strict=False)), counts)
        norm = engine.get_global_grad_norm()
        found.append([*(float(means[name]) for name in LOSSES), float(norm or 0)])
    return found


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Curves:
    root = tmp_path_factory.mktemp("curves")
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


def test_one_curve_is_drawn_under_both_stages(curves: Curves) -> None:
    for by_stage in curves.values():
        one, other = (torch.tensor(by_stage[str(stage)]) for stage in STAGES)
        assert torch.allclose(one, other, rtol=PRECISION, atol=PRECISION)
