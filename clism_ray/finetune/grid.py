"""The driver of an evaluation: its cells, as many at once as the cluster holds, and their table.

<storage>/evaluations/<name>.lock
<storage>/evaluations/<name>/
    evaluation.yaml    the configuration of the latest start; more models, sizes and samples than
                       at an earlier start add cells, and cells that are done stay
    cells/<cell>/      see `cell`
    tracking.json      the evaluation's run in MLflow
    report/            the page and the tables
"""

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import ray

from clism_ray import cluster, tracking
from clism_ray.config import to_tree
from clism_ray.config_file import to_yaml
from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import InputError, RunFailed, WorkersLost, causes, input_error_in
from clism_ray.finetune.cell import PROBLEM
from clism_ray.finetune.check import check_cells
from clism_ray.finetune.driver import make_ready, run_cell
from clism_ray.finetune.follow import follow_cell, tell_undelivered
from clism_ray.finetune.pin import pin_models
from clism_ray.finetune.plan import Cell, cells_of
from clism_ray.hold import hold
from clism_ray.report.evaluation.report import CONFIG, load_evaluation, write_evaluation
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.store import Store
from clism_ray.tracked_run import NewRun
from clism_ray.train import preflight
from clism_ray.train.follow import following
from clism_ray.train.progress import describe_grid
from clism_ray.train.run import write_json
from clism_ray.train.status import FAILED, FINISHED
from clism_ray.train.storage import check_storage, other_nodes
from clism_ray.train.tracking_record import default_uri, keepable

_DRIVER_CPUS = 0.01  # of a cell: it waits for its workers


def evaluation_folder(config: EvaluateConfig) -> Path:
    """Where the evaluation of this name lives."""
    return Path(config.storage).expanduser().resolve() / "evaluations" / config.name


def evaluate(config: EvaluateConfig) -> tuple[Evaluation, dict[str, str]]:
    """Run the cells that are not done; the evaluation of all, and why some cells failed, by name.

    Raises InputError if something the configuration names cannot be used.
    """
    config, folder = pin_models(config), evaluation_folder(config)
    with hold(folder, f"the evaluation {config.name!r}"):
        cells = cells_of(config, folder)
        left = [cell for cell in cells if not cell.done]
        at_once = _prepare(config, left) if left else 0
        folder.mkdir(exist_ok=True)
        (folder / CONFIG).write_text(to_yaml(config), encoding="utf-8")
        running = min(at_once, len(left))
        left = [_beside(cell, running) for cell in left]
        for cell in left:
            make_ready(cell)
        uri = config.tracking.uri or default_uri(folder.parent.parent)
        parent = _parent(config, folder, uri)
        try:
            with following(_follow(cells, parent), parent.store):
                failed = _run_all(left, at_once, config.retries)
            evaluation = load_evaluation(folder)
            made = [folder / CONFIG, *write_evaluation(evaluation, folder / "report")]
        except BaseException:
            parent.close(FAILED, [], [])
            raise
        tell_undelivered(cells)
        parent.close(FAILED if failed else FINISHED, [], [(path, None) for path in made])
    return evaluation, failed


def told(failed: Mapping[str, str], cells: int) -> str:
    """What became of cells that failed, in words."""
    each = "\n".join(f"  {name}: {problem}" for name, problem in failed.items())
    return (
        f"{len(failed)} of {cells} cells failed, the others are done:\n{each}\n"
        "started again, the evaluation runs these anew"
    )


def _prepare(config: EvaluateConfig, left: Sequence[Cell]) -> int:
    """Check what cells will need, join the cluster; how many cells it holds at once."""
    check_cells(left)
    cluster.connect(minimum_cpus=2, dashboard=True)
    preflight.check_resources(config, cluster.nodes(), data_task=False)
    check_storage(Path(config.storage).expanduser().resolve(), other_nodes())
    fits = preflight.runs_at_once(config, cluster.nodes(), _DRIVER_CPUS, data_task=False)
    if not fits:
        raise InputError(
            f"{config.scaling.workers} workers of {config.scaling.cpus_per_worker:g} CPU leave no "
            f"{_DRIVER_CPUS:g} CPU for a cell's driver; lower scaling.cpus_per_worker"
        )
    print(cluster.summary(), flush=True)
    if waiting := preflight.awaited(config, cluster.free(), data_task=False):
        print(waiting, flush=True)
    return min(fits, config.cells_at_once or fits)


def _beside(cell: Cell, running: int) -> Cell:
    """The cell, with its share of the CPUs where so many run at once."""
    scaling = preflight.side_by_side(cell.config.scaling, cluster.nodes(), running)
    return dataclasses.replace(cell, config=dataclasses.replace(cell.config, scaling=scaling))


def _run_all(cells: Sequence[Cell], at_once: int, retries: int) -> dict[str, str]:
    """Run the cells; what those that failed to the last said, by name."""
    on_cluster = ray.remote(num_cpus=_DRIVER_CPUS, max_retries=0)(run_cell)
    waiting = [(cell, 0) for cell in cells]
    running: dict[ray.ObjectRef, tuple[Cell, int]] = {}
    failed: dict[str, str] = {}
    began, over = time.monotonic(), 0
    while waiting or running:
        while waiting and len(running) < at_once:
            cell, tries = waiting.pop(0)
            running[on_cluster.options(name=cell.folder.name).remote(cell)] = (cell, tries)
        done, _ = ray.wait(list(running), num_returns=1)
        cell, tries = running.pop(done[0])
        problem, final = _ended(done[0], cell)
        if problem and tries < retries and not final:
            print(f"cell {cell.folder.name} failed, and is tried again: {problem}", flush=True)
            waiting.append((cell, tries + 1))
            continue
        if problem:
            failed[cell.folder.name] = problem
            write_json(cell.folder / PROBLEM, {"problem": problem})
        over += 1
        pace = (time.monotonic() - began) / over
        print(describe_grid(over, len(cells), len(failed), pace), flush=True)
    return failed


def _ended(task: ray.ObjectRef, cell: Cell) -> tuple[str | None, bool]:
    """What went wrong with a cell, and whether it would go wrong again."""
    try:
        ray.get(task)
    except Exception as error:  # whatever it was, other cells go on
        if found := input_error_in(error):
            return str(found), True
        root = list(causes(error))[-1]
        same_again = isinstance(root, RunFailed) and not isinstance(root, WorkersLost)
        return str(root).partition("\n")[0] or type(root).__name__, same_again
    if not cell.done:
        return f"no result in {cell.folder} here; storage must be shared by all nodes", True
    return None, False


def _follow(cells: Sequence[Cell], parent: tracking.Tracker) -> Iterator[None]:
    store, artefacts = parent.store, parent.new.artefacts
    followed = [follow_cell(cell, store, artefacts, parent, lines=False) for cell in cells]
    while True:
        followed = [passes for passes in followed if not next(passes)]
        yield


def _parent(config: EvaluateConfig, folder: Path, uri: str) -> tracking.Tracker:
    """The evaluation's own run in MLflow."""
    new = NewRun(
        name=config.name,
        experiment=config.tracking.experiment,
        artefacts=folder.parent.parent / "mlflow",
        folder=folder,
        parameters=to_tree(keepable(config)),
        tags={"kind": "evaluation", "git_commit": tracking.git_commit(), "folder": str(folder)},
    )
    return tracking.start(Store(uri), new)
