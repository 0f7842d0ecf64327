"""The workers' process group, made again where that fails.

Workers may not find each other: a port is taken in between, or one of them dies there. Ray Train
2.60 then ends the run, or tries again and keeps the room of those it had started, so that the next
ones wait for it without end.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.train.backend import Backend, BackendConfig
from ray.train.v2._internal.exceptions import WorkerGroupStartupFailedError
from ray.train.v2._internal.util import TrainingFramework

from clism_ray.errors import root_of
from clism_ray.train import journal
from clism_ray.train.lost import lost


@dataclass
class PatientTorch(BackendConfig):  # type: ignore[misc]
    """As Ray Train's TorchConfig, but workers that cannot meet are begun again `restarts` times.

    It imports PyTorch only where it is used: a trial's process starts faster without.
    """

    backend: str | None = None  # default: nccl on GPUs, else gloo
    restarts: int = 0
    journal: str = ""  # is told of each time

    @property
    def backend_cls(self) -> type:
        """What sets up and ends the group."""
        return _Group

    @property
    def train_func_context(self) -> type:
        """What a worker's loop runs within."""
        return _OnItsDevice

    @property
    def framework(self) -> TrainingFramework:
        """For Ray's dashboard."""
        return TrainingFramework.TORCH


class _Group(Backend):  # type: ignore[misc]
    """Lives in Ray Train's controller, as long as that; made by the driver."""

    share_cuda_visible_devices = True
    failed = 0

    def on_start(self, worker_group: Any, backend_config: PatientTorch) -> None:
        from ray.train.torch import TorchConfig

        torch = TorchConfig(backend_config.backend)
        try:
            torch.backend_cls().on_start(worker_group, torch)
        except Exception as error:
            worker_group._worker_group_state.shutdown()  # gives their room back
            path = Path(backend_config.journal)
            with suppress(OSError):  # a full disk is not what to tell of
                step = max((entry.step for entry in journal.read(path)), default=0)
                journal.append(path, [lost(step, error)])
            self.failed += 1
            # On its way to the driver an exception loses what it came from.
            problem = f"the workers could not be set up, {self.failed} times ({root_of(error)})"
            if self.failed > backend_config.restarts:
                raise RuntimeError(problem) from error
            raise WorkerGroupStartupFailedError(problem) from error

    def on_shutdown(self, worker_group: Any, backend_config: PatientTorch) -> None:
        from ray.train.torch import TorchConfig

        torch = TorchConfig(backend_config.backend)
        torch.backend_cls().on_shutdown(worker_group, torch)


class _OnItsDevice:
    """Ray Train's own context of a loop with PyTorch, imported where the loop runs."""

    def __enter__(self) -> None:
        from ray.train.torch import TorchConfig

        TorchConfig().train_func_context().__enter__()

    def __exit__(self, *raised: object) -> None:
        pass  # nor does Ray Train's do anything there
