"""A checkpoint's parameters go from any workers and ZeRO stage to any others, to the bit."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from tests import process_group

pytestmark = pytest.mark.timeout(300)  # six processes, each of which loads DeepSpeed

STEPS = 3
STAGES = (0, 1, 2, 3)


def configuration(stage: int) -> PretrainConfig:
    tree = {
        "name": "x",
        "corpus": "x",
        "length": {"steps": 9},
        "batch": {"slots": 6},
        "optimizer": {"learning_rate": 0.1, "weight_decay": 0.1},
        "scaling": {"device": "cpu"},
        "zero": {"stage": stage},
    }
    return parse(PretrainConfig, tree)


def work(rank: int, workers: int, root: Path, step: int, begun_by: int) -> None:
    """Under each stage: begin, or go on from what others saved in the next one; steps; save."""
    from clism_ray.train.engine import backward, start_engine
    from clism_ray.train.parameters import (
        file_contents,
        load_parameters,
        save_parameters,
        write_files,
    )

    for stage in STAGES:
        torch.manual_seed(7 + begun_by)  # other weights, unless they are loaded
        model = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.Tanh(), nn.Linear(7, 3))
        engine = start_engine(model.eval(), configuration(stage), workers)
        assert all(module.training for module in engine.modules())
        if step:
            written = root / f"{begun_by}-{(stage + 1) % len(STAGES)}"
            load_parameters(engine, sorted(written.glob("state-*")), step)
            folder = root / f"{workers}-{stage}-as-loaded"
            folder.mkdir(exist_ok=True)
            save_parameters(engine, folder)
        data = torch.randn(11, 5, generator=torch.Generator().manual_seed(1))
        for _ in range(STEPS):
            for _ in range(6 // workers):
                backward(engine, engine(data).square().mean() / 6)
                engine.step()
        folder = root / f"{workers}-{stage}"
        folder.mkdir(exist_ok=True)
        save_parameters(engine, folder)
        copies = list(file_contents(engine))
        for _ in range(6 // workers):  # another step
            backward(engine, engine(data).square().mean() / 6)
            engine.step()
        later = root / f"{workers}-{stage}-written-later"
        later.mkdir(exist_ok=True)
        write_files(copies, later, rank)


def whole(folder: Path) -> dict[str, Tensor]:
    files = [load_file(path) for path in folder.glob("state-*.safetensors")]
    assert len(files) == int(folder.name[0]), "a file a rank"
    merged = {name: tensor for file in files for name, tensor in file.items()}
    assert len(merged) == sum(map(len, files)), "a parameter is in two files"
    return merged


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("saved")
    for workers, step, begun_by in ((2, 0, 0), (3, STEPS, 2), (1, 2 * STEPS, 3)):
        process_group.spawn(workers, work, workers, root, step, begun_by)
    return root


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("workers", "before"), [(3, 2), (1, 3)])
def test_what_is_loaded_is_what_was_saved(
    workers: int, before: int, stage: int, saved: Path
) -> None:
    theirs = whole(saved / f"{before}-{(stage + 1) % len(STAGES)}")
    ours = whole(saved / f"{workers}-{stage}-as-loaded")
    assert set(ours) == set(theirs)
    assert {"0.weight/exp_avg", "3.bias/exp_avg_sq", "1.weight/weight"} <= set(ours)
    for name, tensor in theirs.items():
        assert tensor.shape == ours[name].shape
        assert torch.equal(tensor, ours[name]), name


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_copies_are_of_their_moment_however_late_they_are_written(
    workers: int, stage: int, saved: Path
) -> None:
    then, later = (whole(saved / f"{workers}-{stage}{end}") for end in ("", "-written-later"))
    assert set(then) == set(later)
    assert all(torch.equal(tensor, later[name]) for name, tensor in then.items())


@pytest.mark.parametrize("stage", STAGES)
def test_training_goes_on_as_if_nothing_had_happened(stage: int, saved: Path) -> None:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.Tanh(), nn.Linear(7, 3))
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.1)
    data = torch.randn(11, 5, generator=torch.Generator().manual_seed(1))
    for _ in range(3 * STEPS):
        optimizer.zero_grad()
        model(data).square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    ours = whole(saved / f"1-{stage}")
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter, ours[f"{name}/weight"], atol=1e-5), name
