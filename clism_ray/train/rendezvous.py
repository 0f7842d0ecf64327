"""The workers' process group, made again where that fails.

Workers may not find each other: a port is taken in between, or one of them dies there. Ray Train
2.60 then ends the run, or tries again and keeps the room of those it had started, so that the next
ones wait for it without end.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.train.torch import TorchConfig
from ray.train.torch.config import _TorchBackend
from ray.train.v2._internal.exceptions import WorkerGroupStartupFailedError

from clism_ray.errors import root_of
from clism_ray.train import journal
from clism_ray.train.status import WORKERS_LOST


@dataclass
class PatientTorchConfig(TorchConfig):  # type: ignore[misc]
    """As Ray Train's, but workers that cannot meet are begun again `restarts` times."""

    restarts: int = 0
    journal: str = ""  # is told of each time

    @property
    def backend_cls(self) -> type:
        """What sets up and ends the group."""
        return _Backend


class _Backend(_TorchBackend):  # type: ignore[misc]
    """Lives in Ray Train's controller, as long as that."""

    failed = 0

    def on_start(self, worker_group: Any, backend_config: PatientTorchConfig) -> None:
        try:
            super().on_start(worker_group, backend_config)
        except Exception as error:
            worker_group._worker_group_state.shutdown()  # gives their room back
            path = Path(backend_config.journal)
            note_lost(path, max((entry.step for entry in journal.read(path)), default=0), error)
            self.failed += 1
            # On its way to the driver an exception loses what it came from.
            problem = f"the workers could not be set up, {self.failed} times ({root_of(error)})"
            if self.failed > backend_config.restarts:
                raise RuntimeError(problem) from error
            raise WorkerGroupStartupFailedError(problem) from error


def note_lost(path: Path, step: int, error: BaseException) -> None:
    """Tell the journal that workers died, or raised what nobody expected, and why."""
    event = {"status": WORKERS_LOST, "problem": root_of(error)}
    journal.append(path, [journal.entry("event", step, event)])
