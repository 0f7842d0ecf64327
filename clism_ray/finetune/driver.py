"""The driver of a cell: its folder, its workers, what MLflow is told.

<storage>/finetuned/<name>.lock, <name>/   see `cell`
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from clism_ray import cluster, tracking
from clism_ray.config import identity_hash
from clism_ray.config_file import to_yaml
from clism_ray.config_tasks import FinetuneConfig
from clism_ray.errors import RunFailed
from clism_ray.finetune.cell import CellResult, read_result
from clism_ray.finetune.follow import follow_cell
from clism_ray.finetune.job import CellJob
from clism_ray.finetune.plan import Cell, check_cells, plan_cell
from clism_ray.train import preflight
from clism_ray.train.fit import fit
from clism_ray.train.follow import following
from clism_ray.train.run import hold


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
    storage = Path(config.storage).expanduser().resolve()
    folder = storage / "finetuned" / config.name
    uri = config.tracking.uri or tracking.default_uri(storage)
    with hold(folder, f"the fine-tuning {config.name!r}"):
        cell = plan_cell(config, Path(config.model.path).name, folder)
        if not cell.done:
            check_cells([cell])
            cluster.connect(minimum_cpus=2, dashboard=True)
            preflight.check_resources(without_data_tasks(config), cluster.nodes())
        with following(_one(follow_cell(cell, uri, storage / "mlflow", {}))):
            if not cell.done:
                run_cell(cell)
    result = read_result(folder)
    assert result is not None
    return FinetuneResult(folder=folder, result=result, tracking_uri=uri)


def run_cell(cell: Cell) -> None:
    """Train and test a cell to its end; InputError or RunFailed if it does not get there."""
    cell.folder.mkdir(parents=True, exist_ok=True)
    (cell.folder / "config.yaml").write_text(to_yaml(cell.config), encoding="utf-8")
    job = CellJob(
        config=cell.config,
        run=str(cell.folder),
        model=cell.model,
        identity=cell.identity,
        identity_hash=identity_hash(cell.identity),
    )
    fit(_on_worker, job)
    if not cell.done:
        raise RunFailed(f"{cell.folder}: the cell ended without a result; start it again")


def without_data_tasks(config: FinetuneConfig) -> FinetuneConfig:
    """The same, asking for no data tasks: workers make their windows themselves."""
    scaling = dataclasses.replace(config.scaling, cpus_per_data_task=1e-6)
    return dataclasses.replace(config, scaling=scaling)


def _on_worker(job: CellJob) -> None:
    from clism_ray.finetune.loop import run

    run(job)


def _one(passes: Iterator[bool]) -> Iterator[None]:
    for _ in passes:
        yield
