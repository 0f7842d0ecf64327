"""The driver of a cell: its folder, its workers, what MLflow is told.

<storage>/finetuned/<name>.lock, <name>/   see `cell`
"""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from clism_ray import cluster, tracking
from clism_ray.config import identity_hash
from clism_ray.config_file import to_yaml
from clism_ray.config_tasks import FinetuneConfig
from clism_ray.errors import InputError, RunFailed, WorkersLost
from clism_ray.finetune.cell import BEGUN, MODEL, PREDICTIONS, PROBLEM, CellResult, read_result
from clism_ray.finetune.check import check_cells
from clism_ray.finetune.follow import follow_cell, tell_undelivered
from clism_ray.finetune.job import CellJob
from clism_ray.finetune.pin import pin_model
from clism_ray.finetune.plan import Cell, plan_cell
from clism_ray.hold import hold
from clism_ray.store import Store
from clism_ray.tracked_run import change_tracking
from clism_ray.train import journal, preflight
from clism_ray.train.fit import fit
from clism_ray.train.follow import following
from clism_ray.train.run import write_json
from clism_ray.train.storage import check_storage, other_nodes
from clism_ray.train.tracking_record import TRACKING, default_uri, keepable, read_tracking


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinetuneResult:
    """Where a fine-tuned model is, and what it scored."""

    folder: Path
    result: CellResult
    tracking_uri: str


def finetune(config: FinetuneConfig) -> FinetuneResult:
    """Fine-tune and test, unless that is done.

    Raises:
        InputError: something the configuration names cannot be used.
        RunFailed: it ended early; started again, it begins anew.
    """
    config, storage = pin_model(config), Path(config.storage).expanduser().resolve()
    folder = storage / "finetuned" / config.name
    uri = config.tracking.uri or default_uri(storage)
    with hold(folder, f"the fine-tuning {config.name!r}"):
        cell = plan_cell(config, config.name, folder)
        if not cell.done:
            check_cells([cell])
            cluster.connect(minimum_cpus=2, dashboard=True)
            preflight.check_resources(config, cluster.nodes(), data_task=False)
            check_storage(folder.parent, other_nodes())
            print(cluster.summary(), flush=True)
            if told := preflight.awaited(config, cluster.free(), data_task=False):
                print(told, flush=True)
            make_ready(cell)
        elif config.export and not (folder / MODEL).is_dir():
            raise InputError(
                f"{folder}: finished with export=false, so its model was not kept; give another "
                "name=... to train it again"
            )
        store = Store(uri)
        tracking.check(store)
        with following(_one(follow_cell(cell, store, storage / "mlflow")), store):
            if not cell.done:
                _run(cell)
        tell_undelivered([cell])
    result = read_result(folder)
    assert result is not None
    return FinetuneResult(folder=folder, result=result, tracking_uri=uri)


def make_ready(cell: Cell) -> None:
    """Make a cell's folder, and clear away what starts left that died or had other settings."""
    folder, now = cell.folder, identity_hash(cell.identity)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.partial.*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    begun = folder / BEGUN
    if begun.is_file() and json.loads(begun.read_text("utf-8"))["identity_hash"] != now:
        for stale in (journal.JOURNAL, TRACKING):
            (folder / stale).unlink(missing_ok=True)
        for stale in (MODEL, PREDICTIONS):
            shutil.rmtree(folder / stale, ignore_errors=True)
    (folder / PROBLEM).unlink(missing_ok=True)
    if read_tracking(folder).get("problem"):  # MLflow is to hear of another, though it be the same
        change_tracking(folder, problem="")
    write_json(begun, {"identity_hash": now})
    (folder / "config.yaml").write_text(to_yaml(cell.config), encoding="utf-8")


def run_cell(cell: Cell, restarts: int = 0) -> None:
    """Train and test a cell that is ready.

    Raises:
        InputError: something it needs cannot be used.
        RunFailed: it did not get to its end; WorkersLost if its workers died.
    """
    job = CellJob(
        config=keepable(cell.config),  # the dashboard shows what workers are told
        run=str(cell.folder),
        model=cell.model,
        identity=cell.identity,
        identity_hash=identity_hash(cell.identity),
    )
    fit(_on_worker, job, restarts=restarts)
    if not cell.done:
        raise RunFailed(
            f"{cell.folder}: no result there; storage must be a folder that all nodes share"
        )


def _run(cell: Cell) -> None:
    try:
        run_cell(cell, cell.config.scaling.max_restarts)
    except (InputError, RunFailed) as error:
        write_json(cell.folder / PROBLEM, {"problem": str(error)})
        if isinstance(error, WorkersLost):
            raise WorkersLost(f"{error}\nstarted again, it begins anew") from error
        raise


def _on_worker(job: CellJob) -> None:
    from clism_ray.finetune.loop import run

    run(job)


def _one(passes: Iterator[bool]) -> Iterator[None]:
    for _ in passes:
        yield
