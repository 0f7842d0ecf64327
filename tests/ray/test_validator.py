"""A validation beside training that finds no room, or whose task dies."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from clism_ray.config import ScalingConfig
from clism_ray.train import validator
from clism_ray.train.validator import collect, take_up
from tests.tiny_run import tiny_run

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster", "alone")]

NAME = "validating-00000020"
FOUND = {"validation/accuracy": 0.5}


def worker_of(run: Path, **resources: float) -> Any:
    """What validations know of a worker that stands at step 40."""
    config = tiny_run(run / "corpus", run, length={"steps": 100})
    scaling = ScalingConfig(cpus_per_worker=1.0, resources_per_worker=resources)
    return SimpleNamespace(
        job=SimpleNamespace(run=str(run), config=replace(config, scaling=scaling), steps=100),
        rank=0,
        workers=1,
        device=torch.device("cpu"),
        step=40,
        validating=None,
        thread=ThreadPoolExecutor(1),
        unreported=[],
        unsaved=[],
    )


def dying(times: int) -> Any:
    """A validation whose process dies so many times."""

    def validate(job: Any, name: str) -> dict[str, Any]:  # goes to its process by value
        run = Path(job.run)
        (run / f"{name}.begun").touch()
        tries = len(list(run.glob("try-*")))
        if tries < times:
            (run / f"try-{tries}").touch()
            os._exit(1)
        return {"step": 20, "found": FOUND}

    return validate


def left_over(run: Path) -> list[str]:
    return [path.name for path in sorted(run.glob("validating-*"))]


def left_to(run: Path, **resources: float) -> Any:
    """A worker that has taken up a model which was not validated, and waited for it."""
    (run / NAME).mkdir()
    worker = worker_of(run, **resources)
    take_up(worker)
    collect(worker, wait=True)
    return worker


def test_for_a_task_without_room_training_does_not_wait_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validator, "_PATIENCE_SECONDS", 1.0)
    (event,) = left_to(tmp_path, nowhere=1.0).unreported
    assert event.values["status"] == "warning"
    assert event.values["problem"] == (
        "the model of step 20 was not validated: in 1 s no node had room (a task beside the "
        "workers takes 1 CPU and 1 nowhere; validation.beside=false does without)"
    )
    assert left_over(tmp_path) == []


def test_a_run_that_is_asked_to_stop_leaves_it_to_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    assert left_to(tmp_path, nowhere=1.0).unreported == []
    assert left_over(tmp_path) == [NAME]


def test_a_task_that_dies_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "validate_exported", dying(1))
    (found,) = left_to(tmp_path).unreported
    assert (found.kind, found.step, found.values) == ("validation", 20, FOUND)


def test_a_task_that_dies_again_and_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validator, "validate_exported", dying(9))
    (event,) = left_to(tmp_path).unreported
    assert event.values["problem"].startswith(
        "the model of step 20 was not validated: 3 tasks died ("
    )


def test_a_task_that_fails_by_itself_is_told_and_not_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job: Any, name: str) -> dict[str, Any]:  # goes to its process by value
        (Path(job.run) / f"{name}.begun").touch()
        raise OSError("the model is cut short")

    monkeypatch.setattr(validator, "validate_exported", fail)
    (event,) = left_to(tmp_path).unreported
    assert event.values["status"] == "warning"
    assert event.values["problem"].startswith(
        "the model of step 20 was not validated: the task failed (OSError: the model is cut short)"
    )
    assert left_over(tmp_path) == []


def test_what_was_found_is_told_and_what_is_half_written_or_to_come_is_deleted(
    tmp_path: Path,
) -> None:
    told = json.dumps({"step": 20, "found": FOUND})
    (tmp_path / f"{NAME}.json").write_text(told)
    (tmp_path / "validating-00000060").mkdir()  # after the checkpoint it goes on from
    for name in (f"{NAME}.tmp", f"{NAME}.begun", f"{NAME}.json.partial.brought"):
        (tmp_path / name).touch()
    worker = worker_of(tmp_path)
    take_up(worker)
    assert [entry.values for entry in worker.unreported] == [FOUND]
    assert left_over(tmp_path) == [f"{NAME}.json"]
