"""A checkpoint is written beside training: what is saved, what a kill or a fault leaves.

Two processes with gloo, as workers are.
"""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.multiprocessing import ProcessExitedException

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse
from clism_ray.train import checkpoint, journal
from clism_ray.train.checkpoint import folder_of
from tests import process_group

pytestmark = pytest.mark.timeout(300)  # processes that load DeepSpeed, some after others

WORKERS = 2


def configuration(storage: Path, **changes: object) -> PretrainConfig:
    tree = {
        "name": "x",
        "corpus": "x",
        "storage": str(storage),
        "length": {"steps": 9},
        "batch": {"slots": WORKERS},
        "optimizer": {"learning_rate": 0.1},
        "checkpoint": {"keep": 2, **changes},
    }
    return parse(PretrainConfig, tree)


def make_worker(rank: int, config: PretrainConfig) -> Any:
    from clism_ray.train.engine import start_engine
    from clism_ray.train.job import TrainJob
    from clism_ray.train.run import recipe_of, run_folder
    from clism_ray.train.worker import Worker

    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    job = TrainJob(
        config=config,
        recipe=recipe_of(config, Path("x")),
        run=str(run_folder(config)),
        steps=9,
        identity_hash="abc",
        deadline=None,
        card="",
    )
    return Worker(
        job=job,
        engine=start_engine(model, config, WORKERS),
        device=torch.device("cpu"),
        rank=rank,
        workers=WORKERS,
        languages=(),
        dev=[],
    )


def take_step(worker: Any) -> None:
    from clism_ray.train.engine import backward
    from clism_ray.train.worker import note

    data = torch.randn(11, 5, generator=torch.Generator().manual_seed(worker.step))
    backward(worker.engine, worker.engine(data).square().mean())
    worker.engine.step()
    worker.step += 1
    note(worker, "train", {"loss/total": 1.0})


def work(rank: int, story: Callable[..., None], storage: Path, settings: dict[str, Any]) -> None:
    """One worker of a story."""
    story(make_worker(rank, configuration(storage, **settings)), storage)


def tell(storage: Path, story: Callable[..., None], **settings: object) -> Path:
    """Run a story on all workers; the run's folder."""
    (storage / "runs" / "x").mkdir(parents=True, exist_ok=True)
    process_group.spawn(WORKERS, work, story, storage, settings)
    return storage / "runs" / "x"


def held_up(worker: Any) -> threading.Event:
    """Keep the second worker's thread from writing until the event is set."""
    go_on = threading.Event()
    if worker.rank == 1:
        worker.thread.submit(go_on.wait)
    return go_on


def state_in(folder: Path) -> dict[str, Tensor]:
    return {k: v for path in folder.glob("state-*") for k, v in load_file(path).items()}


def save_while_training(worker: Any, storage: Path) -> None:
    from clism_ray.train.beside import settle
    from clism_ray.train.saving import save

    run = storage / "runs" / "x"
    for _ in range(2):
        take_step(worker)
        save(worker)
    settle(worker)
    take_step(worker)
    go_on = held_up(worker)
    save(worker)
    for _ in range(2):
        take_step(worker)
        settle(worker, wait=False)
        assert checkpoint.complete(folder_of(run, 3)) is None
        assert checkpoint.complete(folder_of(run, 2)), "the one before counts until then"
    dist.barrier()  # the first worker may still be looking
    go_on.set()
    save(worker)  # ends the one before
    assert checkpoint.complete(folder_of(run, 3))
    settle(worker)


def save_and_wait(worker: Any, storage: Path) -> None:
    from clism_ray.train.saving import save

    for step in range(1, 6):
        take_step(worker)
        if step in (1, 2, 3, 5):
            save(worker)
            assert checkpoint.complete(folder_of(storage / "runs" / "x", step))


def test_what_is_written_while_training_goes_on_is_what_was_there_at_its_step(
    tmp_path: Path,
) -> None:
    beside = tell(tmp_path / "beside", save_while_training)
    waiting = tell(tmp_path / "waiting", save_and_wait, beside=False)
    for run in (beside, waiting):
        assert checkpoint.steps_saved(run) == [5, 3], "as many as are kept"
    for step in (3, 5):
        one, other = (state_in(folder_of(run, step)) for run in (beside, waiting))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    told = [journal.read(folder_of(beside, step) / "metrics.jsonl") for step in (3, 5)]
    assert [[entry.step for entry in entries] for entries in told] == [[3], [4, 5]]


def die_in_writing(worker: Any, storage: Path) -> None:
    from clism_ray.train.beside import settle
    from clism_ray.train.saving import save

    take_step(worker)
    save(worker)
    settle(worker)
    take_step(worker)
    held_up(worker)
    save(worker)
    take_step(worker)
    if worker.rank == 0:
        worker.writing[0].written.result()  # its own list is there
    dist.barrier()
    if worker.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # until it is ended, as Ray Train ends those that are left


def go_on(worker: Any, storage: Path) -> None:
    from clism_ray.train.beside import settle
    from clism_ray.train.saving import resume, save

    resume(worker)
    (storage / f"resumed-{worker.rank}").write_text(str(worker.step))
    take_step(worker)
    save(worker)
    settle(worker)


def test_a_worker_killed_while_it_writes_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    with pytest.raises(ProcessExitedException):
        tell(tmp_path, die_in_writing)
    run = tmp_path / "runs" / "x"
    assert (folder_of(run, 2) / "rank-00000.json").is_file()
    assert checkpoint.complete(folder_of(run, 2)) is None
    tell(tmp_path, go_on)
    assert [(tmp_path / f"resumed-{rank}").read_text() for rank in range(WORKERS)] == ["1", "1"]
    assert checkpoint.complete(folder_of(run, 2)), "what was left half written is written anew"


def lose_the_folder(worker: Any, storage: Path) -> None:
    from clism_ray.train.beside import settle
    from clism_ray.train.saving import save

    take_step(worker)
    go_on = held_up(worker)
    save(worker)
    if worker.rank == 0:
        worker.writing[0].written.result()
    dist.barrier()
    if worker.rank == 1:
        shutil.rmtree(folder_of(storage / "runs" / "x", 1))
        go_on.set()
    try:
        settle(worker)
    except OSError as error:
        (storage / f"told-{worker.rank}").write_text(json.dumps(str(error)))


def test_a_fault_in_writing_is_told_on_every_worker_with_step_and_place(tmp_path: Path) -> None:
    run = tell(tmp_path, lose_the_folder)
    told = [json.loads((tmp_path / f"told-{rank}").read_text()) for rank in range(WORKERS)]
    assert told[0] == told[1]
    place = folder_of(run, 1)
    assert f"worker 1 could not write the checkpoint of step 1 in {place}: " in told[0]
    assert "No such file" in told[0]


def save_twice(worker: Any, storage: Path) -> None:
    from clism_ray.train.beside import settle
    from clism_ray.train.saving import save

    for _ in range(2):
        take_step(worker)
        save(worker)
    settle(worker)


def test_with_its_metrics_damaged_the_newest_checkpoint_is_passed_over(tmp_path: Path) -> None:
    run = tell(tmp_path, save_twice)
    metrics = folder_of(run, 2) / "metrics.jsonl"
    metrics.write_bytes(b"[" + metrics.read_bytes()[1:])
    tell(tmp_path, go_on)
    assert [(tmp_path / f"resumed-{rank}").read_text() for rank in range(WORKERS)] == ["1", "1"]


def fail_to_go_on(worker: Any, storage: Path) -> None:
    from clism_ray.errors import UnusableInput
    from clism_ray.train.saving import resume

    with pytest.raises(UnusableInput, match=r"rank-00001\.json: cannot be read"):
        resume(worker)
    (storage / f"refused-{worker.rank}").touch()


def test_every_worker_is_told_of_a_checkpoint_that_one_cannot_read(tmp_path: Path) -> None:
    run = tell(tmp_path, save_twice)
    listed = folder_of(run, 2) / "rank-00001.json"
    listed.unlink()
    listed.symlink_to(listed)
    tell(tmp_path, fail_to_go_on)
    assert all((tmp_path / f"refused-{rank}").exists() for rank in range(WORKERS))
    assert checkpoint.steps_saved(run) == [2, 1]


def test_where_no_checkpoint_holds_the_run_begins_anew_and_they_are_kept(tmp_path: Path) -> None:
    run = tell(tmp_path, save_twice)
    for step in (1, 2):
        (folder_of(run, step) / "rank-00001.json").write_text("{}")
    tell(tmp_path, go_on)
    assert [(tmp_path / f"resumed-{rank}").read_text() for rank in range(WORKERS)] == ["0", "0"]
    assert checkpoint.steps_saved(run) == [1]
    aside = run / "checkpoints.set-aside-1"
    assert sorted(path.name for path in aside.iterdir()) == ["step-00000001", "step-00000002"]


def export_what_cannot_be_written(worker: Any, storage: Path) -> None:
    from clism_ray.train.beside import settle
    from clism_ray.train.models import export

    export(worker, "best")  # of a model that is no encoder
    settle(worker)
    (told,) = [entry.values for entry in worker.unreported if entry.kind == "event"]
    assert told["status"] == "warning"
    assert told["problem"].startswith("worker 0 could not write the exported model of step 0 in ")
    assert told["problem"].endswith("; the run goes on without it")
    if worker.job.config.checkpoint.beside:
        export(worker, "last", needed=True)
        with pytest.raises(OSError, match=r"could not write the exported model of step 0"):
            settle(worker)


@pytest.mark.parametrize("beside", [True, False])
def test_a_model_that_cannot_be_written_ends_a_run_if_it_is_the_last(
    tmp_path: Path, beside: bool
) -> None:
    tell(tmp_path, export_what_cannot_be_written, beside=beside)


def export_without_room(worker: Any, storage: Path) -> None:
    from clism_ray.errors import RunFailed
    from clism_ray.train import room
    from clism_ray.train.models import export

    room.shutil.disk_usage = lambda _: SimpleNamespace(free=0)
    assert export(worker, "best") is None
    (told,) = [entry.values["problem"] for entry in worker.unreported]
    assert told.startswith("no room for the exported model of step 0 in ")
    assert told.endswith("0 MiB are free; the run goes on without it")
    with pytest.raises(RunFailed, match=r"no room .* make room and start again"):
        export(worker, "last", needed=True)


def test_a_model_without_room_ends_a_run_if_it_is_the_last(tmp_path: Path) -> None:
    tell(tmp_path, export_without_room)
