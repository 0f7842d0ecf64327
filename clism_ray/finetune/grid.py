"""The driver of an evaluation: its cells, as many at once as the cluster holds, and their table.

<storage>/evaluations/<name>.lock
<storage>/evaluations/<name>/
    evaluation.yaml    the configuration of the latest start; more models, sizes and samples than
                       at an earlier start add cells, and cells that are done stay
    cells/<cell>/      see `cell`
    tracking.json      the evaluation's run in MLflow
    report/            the page and the tables
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import ray

from clism_ray import cluster, tracking
from clism_ray.config import to_tree
from clism_ray.config_file import to_yaml
from clism_ray.config_tasks import EvaluateConfig
from clism_ray.errors import InputError, RunFailed, input_error_in
from clism_ray.finetune.driver import run_cell, without_data_tasks
from clism_ray.finetune.follow import follow_cell
from clism_ray.finetune.plan import Cell, cells_of, check_cells
from clism_ray.report.evaluation.report import load_evaluation, write_evaluation
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.train import preflight
from clism_ray.train.follow import following
from clism_ray.train.progress import describe_grid
from clism_ray.train.run import hold, write_json
from clism_ray.train.status import FAILED, FINISHED

_DRIVER_CPUS = 0.01  # of a cell: it waits for its workers


def evaluation_folder(config: EvaluateConfig) -> Path:
    """Where the evaluation of this name lives."""
    return Path(config.storage).expanduser().resolve() / "evaluations" / config.name


def evaluate(config: EvaluateConfig) -> Evaluation:
    """Run the cells that are not done, and write the report of all.

    Raises:
        InputError: something the configuration names cannot be used.
        RunFailed: cells failed again after their retries; the others are done and reported.
    """
    folder = evaluation_folder(config)
    with hold(folder, f"the evaluation {config.name!r}"):
        cells = cells_of(config, folder)
        left = [cell for cell in cells if not cell.done]
        folder.mkdir(exist_ok=True)
        (folder / "evaluation.yaml").write_text(
            to_yaml(tracking.keepable(config)), encoding="utf-8"
        )
        at_once = _prepare(config, left) if left else 0
        uri = config.tracking.uri or tracking.default_uri(folder.parent.parent)
        parent = _parent(config, folder, uri)
        try:
            with following(_follow(cells, uri, folder, parent.run_id)):
                failed = _run_all(left, at_once, config.retries)
        except BaseException:
            parent.close(FAILED, [], [])
            raise
        evaluation = load_evaluation(folder)
        files = [(path, None) for path in write_evaluation(evaluation, folder / "report")]
        parent.close(FAILED if failed else FINISHED, [], files)
        if failed:
            told = "\n".join(f"  {name}: {problem}" for name, problem in failed.items())
            raise RunFailed(
                f"{len(failed)} of {len(cells)} cells failed, the others are done:\n{told}\n"
                "started again, the evaluation runs these anew"
            )
    return evaluation


def _prepare(config: EvaluateConfig, left: Sequence[Cell]) -> int:
    """Check what cells will need, join the cluster; how many cells it holds at once."""
    check_cells(left)
    cluster.connect(minimum_cpus=2, dashboard=True)
    shape = without_data_tasks(left[0].config)
    preflight.check_resources(shape, cluster.nodes())
    fits = preflight.runs_at_once(shape, cluster.nodes(), _DRIVER_CPUS)
    if not fits:
        raise InputError(
            f"{config.scaling.workers} workers of {config.scaling.cpus_per_worker:g} CPU leave no "
            f"{_DRIVER_CPUS:g} CPU for a cell's driver; lower scaling.cpus_per_worker"
        )
    return min(fits, config.cells_at_once or fits)


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
            task = on_cluster.options(name=cell.folder.name).remote(cell)
            running[task] = (cell, tries)
        done, _ = ray.wait(list(running), num_returns=1)
        cell, tries = running.pop(done[0])
        problem, final = _ended(done[0])
        if problem and tries < retries and not final:
            print(f"cell {cell.folder.name} failed, and is tried again: {problem}", flush=True)
            waiting.append((cell, tries + 1))
            continue
        if problem:
            failed[cell.folder.name] = problem
        over += 1
        pace = (time.monotonic() - began) / over
        print(describe_grid(over, len(cells), len(failed), pace), flush=True)
    return failed


def _ended(task: ray.ObjectRef) -> tuple[str | None, bool]:
    """What a cell's driver says went wrong, and whether it would go wrong again."""
    try:
        ray.get(task)
    except Exception as error:  # whatever it was, other cells go on
        told = input_error_in(error)
        if told is not None:
            return str(told), True
        return str(getattr(error, "cause", None) or error).strip().splitlines()[-1], False
    return None, False


def _follow(cells: Sequence[Cell], uri: str, folder: Path, parent: str) -> Iterator[None]:
    artefacts = folder.parent.parent / "mlflow"
    tags = {tracking.PARENT: parent}
    followed = [follow_cell(cell, uri, artefacts, tags, lines=False) for cell in cells]
    while True:
        followed = [passes for passes in followed if not next(passes)]
        yield


def _parent(config: EvaluateConfig, folder: Path, uri: str) -> tracking.Tracker:
    """The evaluation's own run in MLflow."""
    path = folder / "tracking.json"
    known = json.loads(path.read_text("utf-8"))["mlflow_run"] if path.is_file() else None
    tracker = tracking.start(
        uri,
        config.tracking.experiment,
        folder.parent.parent / "mlflow",
        config.name,
        known,
        to_tree(tracking.keepable(config)),
        {"kind": "evaluation", "git_commit": tracking.git_commit(), "folder": str(folder)},
    )
    write_json(path, {"mlflow_run": tracker.run_id})
    return tracker
