"""An evaluation as far as it is done: its cells, what is missing, and the tables they make."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clism_ray.config_tasks import EvaluateConfig
from clism_ray.finetune.place import Place, places
from clism_ray.report.evaluation.cells import ScoredCell
from clism_ray.report.evaluation.tables import Table, headline_metric, make_tables


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """The grid of an evaluation and its results."""

    config: EvaluateConfig
    folder: Path
    cells: tuple[ScoredCell, ...]  # finished ones
    missing: tuple[Place, ...]
    strays: tuple[str, ...]  # finished cells of another grid, which count nowhere

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables; drawing the resamples takes seconds, for long test sets minutes."""
        return make_tables(self.config, self.cells)

    @property
    def planned(self) -> int:
        """How many cells the grid has."""
        return len(places(self.config))

    def headline(self, test: str) -> list[Table]:
        """The tables of a test set by the metric that claims rest on, size by size."""
        found = [table for table in self.tables if table.test == test]
        if not found:
            return []
        metric = headline_metric({table.metric for table in found})
        return [table for table in found if table.metric == metric]

    def table(self, test: str, metric: str | None, size: int | None) -> Table | None:
        """One table, if there is such a one."""
        wanted = (test, metric, size)
        return next((t for t in self.tables if (t.test, t.metric, t.size) == wanted), None)

    def is_matrix(self, test: str) -> bool:
        """Whether its columns are pairs of languages: of passages, and of questions."""
        return any(file.question_language for file in self.config.task.tests[test].files(test))
