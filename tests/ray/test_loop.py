"""The loop of a worker, where it needs no other."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist

from clism_ray.config import LengthConfig, PretrainConfig, ScalingConfig
from clism_ray.train import loop
from clism_ray.train.resize import ask_to_save, asked_to_save, saved
from clism_ray.train.step import LOSSES

pytestmark = pytest.mark.ray  # it imports Ray, but starts none


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A group of one, whose model takes no time."""
    nothing = torch.zeros(len(LOSSES) + 2, dtype=torch.float64)
    monkeypatch.setattr(loop, "accumulate", lambda *_: nothing)
    monkeypatch.setattr(loop, "change_weights", lambda *_: 0.0)
    monkeypatch.setattr(loop, "set_learning_rate", lambda *_: None)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("rank", "ago", "due"), [(0, 60.0, True), (0, 0.0, False), (1, 60.0, False)]
)
def test_a_report_is_due_when_the_first_worker_has_made_none_for_seconds(
    alone: None, rank: int, ago: float, due: bool
) -> None:
    config = PretrainConfig(name="x", corpus="x", length=LengthConfig(steps=9))
    worker: Any = SimpleNamespace(
        job=SimpleNamespace(config=config, steps=9),
        rank=rank,
        reported=time.monotonic() - ago,
        report_due=not due,
        device=torch.device("cpu"),
        engine=None,
    )
    metrics = loop.take_step(worker, 0, [], over=False, problem=None)
    assert metrics is not None
    assert worker.report_due is due
    assert metrics["data/row_digest"] == 0
    assert not [name for name in metrics if name.startswith("dropped/")]


@pytest.mark.parametrize(
    ("rank", "fewest", "resizes"), [(0, 1, True), (0, None, False), (1, 1, False)]
)
def test_the_first_worker_of_an_elastic_run_looks_whether_others_are_to_go_on(
    alone: None, tmp_path: Path, rank: int, fewest: int | None, resizes: bool
) -> None:
    scaling = ScalingConfig(workers=2, min_workers=fewest)
    config = PretrainConfig(name="x", corpus="x", length=LengthConfig(steps=9), scaling=scaling)
    worker: Any = SimpleNamespace(
        job=SimpleNamespace(config=config, steps=9, run=str(tmp_path)),
        rank=rank,
        reported=time.monotonic(),
        device=torch.device("cpu"),
        engine=None,
    )
    ask_to_save(tmp_path)
    assert loop.take_step(worker, 0, [], over=False, problem=None) is not None
    assert worker.resizing is resizes


@pytest.mark.parametrize(
    ("step", "told"), [(4, ["settle", "report", "stand still"]), (9, ["settle"])]
)
def test_workers_make_way_once_their_checkpoint_is_complete_but_not_at_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: int, told: list[str]
) -> None:
    found: list[str] = []
    monkeypatch.setattr(loop, "settle", lambda _: found.append("settle"))
    monkeypatch.setattr(loop, "report", lambda _: found.append("report"))
    monkeypatch.setattr(
        loop, "stand_still", lambda run: found.extend(["stand still"] if saved(run) else [])
    )
    job = SimpleNamespace(run=str(tmp_path), steps=9)
    worker: Any = SimpleNamespace(job=job, rank=0, step=step, leaving=False, resizing=True)
    ask_to_save(tmp_path)
    loop._make_way(worker)
    assert found == told
    assert asked_to_save(tmp_path) is (step == 9)
