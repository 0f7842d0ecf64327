"""What DeepSpeed sends and what a checkpoint weighs, against the arithmetic of a plan."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from clism_ray.model.shape import Shape
from clism_ray.train.cost import checkpoint_bytes, sent
from clism_ray.train.memory import STAGES
from tests import process_group

pytestmark = pytest.mark.timeout(300)  # two processes, each of which loads DeepSpeed

WORKERS, TURNS, WIDTH, DEPTH = 2, 2, 512, 4
# Of n bytes in rings, a worker sends so many times n (W - 1) / W.
PASSES = {"all_reduce": 2, "all_gather_into_tensor": 1, "reduce_scatter_tensor": 1}


def configuration(stage: int) -> PretrainConfig:
    tree = {
        "name": "x",
        "corpus": "x",
        "length": {"steps": 9},
        "batch": {"slots": WORKERS * TURNS},
        "scaling": {"device": "cpu"},
        "zero": {"stage": stage},
    }
    return parse(PretrainConfig, tree)


def counted(name: str, sizes: dict[str, float]) -> Callable[..., Any]:
    """A collective that notes the bytes of its whole tensor: what it gathers or scatters."""
    collective = getattr(dist, name)

    def call(*arguments: Any, **more: Any) -> Any:
        tensors = [a for a in (*arguments, *more.values()) if isinstance(a, torch.Tensor)]
        sizes[name] += max(tensor.nbytes for tensor in tensors)
        return collective(*arguments, **more)

    return call


def work(rank: int, root: Path) -> None:
    """A step under each stage, its collectives counted, and a checkpoint."""
    sizes: dict[str, float] = defaultdict(float)
    for name in PASSES:
        setattr(dist, name, counted(name, sizes))
    from clism_ray.train.engine import backward, start_engine
    from clism_ray.train.parameters import save_parameters

    found = {}
    for stage in STAGES:
        model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(DEPTH)))
        engine = start_engine(model, configuration(stage), WORKERS)
        for _ in range(2):  # the first step has some of DeepSpeed's own
            sizes.clear()
            for _ in range(TURNS):
                backward(engine, engine(torch.ones(2, WIDTH)).square().mean())
                engine.step()
        found[stage] = {name: PASSES[name] * size / WORKERS for name, size in sizes.items()}
        folder = root / f"checkpoint-{stage}"
        folder.mkdir(exist_ok=True)
        save_parameters(engine, folder)
    if rank == 0:
        (root / "sent.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("wire")
    process_group.spawn(WORKERS, work, root)
    return root


SHAPE = Shape(
    parameters=DEPTH * (WIDTH * WIDTH + WIDTH),
    matrices=DEPTH * WIDTH * WIDTH,
    largest=WIDTH * WIDTH,
    tensors=2 * DEPTH,
    layers=DEPTH,
    hidden=WIDTH,
    heads=1,
    intermediate=WIDTH,
    vocabulary=1,
    dropout=0.0,
    packed=True,
)


@pytest.mark.parametrize("stage", STAGES)
def test_deepspeed_sends_what_is_counted(done: Path, stage: int) -> None:
    found = json.loads((done / "sent.json").read_text())[str(stage)]
    # What goes beside gradients and weights is norms and flags; stage 3 keeps biases everywhere.
    assert sum(found.values()) == pytest.approx(sent(SHAPE, stage, WORKERS, TURNS), rel=0.01)


@pytest.mark.parametrize("stage", STAGES)
def test_a_checkpoint_weighs_what_is_counted(done: Path, stage: int) -> None:
    written = sum(path.stat().st_size for path in (done / f"checkpoint-{stage}").iterdir())
    assert written == pytest.approx(checkpoint_bytes(SHAPE), rel=0.01)
