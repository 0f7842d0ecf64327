"""The few-shot cell at the end of a sweep's trial: what its model is worth after fine-tuning."""

import dataclasses

from clism_ray.config import PretrainConfig
from clism_ray.config_sweep import LAST
from clism_ray.config_tasks import FinetuneConfig, StartConfig
from clism_ray.finetune.cell import read_result
from clism_ray.finetune.driver import run_cell
from clism_ray.finetune.names import result_metrics
from clism_ray.finetune.plan import plan_cell
from clism_ray.train import journal
from clism_ray.train.run import run_folder

_FOLDER = "few_shot"


def end_with_cell(cell: FinetuneConfig, run: PretrainConfig, steps: int) -> None:
    """Fine-tune and test what a run exported, unless that is done; its journal has the scores.

    The cell takes the place of the run's workers, and as many as those are at least.
    """
    folder = run_folder(run)
    path = folder / journal.JOURNAL
    if any(entry.kind == "test" for entry in journal.read(path)):
        return
    ours = dataclasses.replace(
        cell,
        name=run.name,
        model=StartConfig(path=str(folder / LAST)),
        storage=run.storage,
        scaling=dataclasses.replace(run.scaling, min_workers=None, workers=run.scaling.fewest),
    )
    planned = plan_cell(ours, run.name, folder / _FOLDER)
    if not planned.done:
        run_cell(planned)
    result = read_result(planned.folder)
    assert result is not None
    journal.append(path, [journal.entry("test", steps, result_metrics(result))])
