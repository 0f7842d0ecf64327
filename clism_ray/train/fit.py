"""Ray Train's side of a run: workers on the loop, their reports to the journal, failures told."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.train import (
    FailureConfig,
    RunConfig,
    ScalingConfig,
    TrainingFailedError,
    UserCallback,
    WorkerGroupError,
)
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

from clism_ray import cluster
from clism_ray.config import ScalingConfig as Scaling
from clism_ray.errors import RunFailed, WorkersLost, input_error_in
from clism_ray.train import journal
from clism_ray.train.capacity import worker_resources
from clism_ray.train.elastic import SaveFirst
from clism_ray.train.gauges import PublishGauges
from clism_ray.train.job import TrainJob
from clism_ray.train.lost import why
from clism_ray.train.recount import CountAnew
from clism_ray.train.rendezvous import PatientTorch
from clism_ray.train.reports import EndOfWorkers, JournalCallback
from clism_ray.train.room import lack_of_room
from clism_ray.train.run import REQUESTER
from clism_ray.train.settings import Job
from clism_ray.train.status import ENDS, STOPPED, failure
from clism_ray.train.stop import Interrupted, interruptible

_RAY_TRAIN = {  # Ray Train's settings; those of the user's environment go before
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",  # reports wait for this poll
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "30",
    # An answer lost with a network that was away: without this, its worker waits for ever.
    "RAY_TRAIN_COLLECTIVE_TIMEOUT_S": "120",
}
_ELASTIC = {
    # It asks for what is counted: that is there at once, or is a node that died a moment ago.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "10",
}
_RESIZE_SECONDS = 10.0  # between looks for nodes that joined
_ABORT_SECONDS = 20.0  # for the workers to end, before the driver leaves them to the cluster
_JOURNAL_BYTES = 2**20  # more than a journal's last entries take


class _Trainer(DataParallelTrainer):  # type: ignore[misc]
    """Ray Train's, but for what it does on Ctrl-C and when there is room for other workers."""

    def _initialize_and_run_controller(self, **parts: Any) -> Any:
        if self.scaling_config.elasticity_enabled:
            run = self.run_config.storage_path
            parts["scaling_policy"] = SaveFirst(self.scaling_config, run)
        return super()._initialize_and_run_controller(**parts)

    def _register_sigint_handler(self, controller: Any) -> None:
        def interrupt(*_: Any) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # for who cannot wait
            # It ends; or it does not answer, as it hears nothing while it looks for nodes.
            with suppress(RayError):
                ray.get(controller.abort.remote(), timeout=_ABORT_SECONDS)
            raise KeyboardInterrupt

        signal.signal(signal.SIGINT, interrupt)


def fit(
    loop: Callable[[Any], None], job: Job, *callbacks: UserCallback, restarts: int | None = None
) -> str:
    """Run a loop on all workers to the end of its job, or as far as it gets; the run's status.

    Args:
        loop: runs on each worker, with the job. It imports what it needs when it is called: the
            driver's machine needs neither DeepSpeed nor its device.
        job: the same for every worker.
        callbacks: run beside the journal's.
        restarts: of workers that die; default: `scaling.max_restarts`.

    Raises:
        InputError: something the configuration names cannot be used.
        RunFailed: the run ended early; WorkersLost if its workers died.
    """
    scaling = job.config.scaling
    restarts = scaling.max_restarts if restarts is None else restarts
    for name, value in {**_RAY_TRAIN, **(_ELASTIC if scaling.min_workers else {})}.items():
        os.environ.setdefault(name, value)
    path = Path(job.run) / journal.JOURNAL
    begun = journal.read_from(path, 0)[1]  # a torn last line will be cut off
    try:
        with _own_interrupts(), interruptible(path.parent):
            _trainer(loop, job, path, callbacks, restarts).fit()
    except Interrupted:
        return STOPPED
    except (TrainingFailedError, RayError) as error:  # the latter of a controller that died
        raise _told(error, restarts) from error
    told = [e.values for e in journal.read_from(path, begun)[0] if e.kind == "event"]
    ends = [values for values in told if values["status"] in ENDS]
    if not ends:
        if problem := lack_of_room(path.parent, _JOURNAL_BYTES, "the end of its journal"):
            raise RunFailed(problem)
        raise WorkersLost(f"the run in {job.run} ended without saying why; start it again to go on")
    if failed := failure(ends[-1]):
        raise failed
    return str(ends[-1]["status"])


def _trainer(
    loop: Callable[[Any], None],
    job: Job,
    path: Path,
    callbacks: Sequence[UserCallback],
    restarts: int,
) -> DataParallelTrainer:
    scaling = job.config.scaling
    to_journal = JournalCallback(str(path))
    return _Trainer(
        _run,
        train_loop_config={"loop": loop, "job": job},
        backend_config=PatientTorch(scaling.backend, restarts, str(path)),
        scaling_config=ScalingConfig(
            num_workers=(scaling.fewest, scaling.workers)
            if scaling.min_workers
            else scaling.workers,
            use_gpu=scaling.device == "cuda",
            resources_per_worker=worker_resources(scaling),
            label_selector=scaling.labels or None,
            elastic_resize_monitor_interval_s=_RESIZE_SECONDS,
        ),
        run_config=RunConfig(
            name="ray_train",
            storage_path=job.run,
            failure_config=FailureConfig(max_failures=restarts),
            callbacks=[
                to_journal,
                EndOfWorkers(to_journal),
                PublishGauges(path.parent.name),
                *([CountAnew(str(path.with_name(REQUESTER)))] if scaling.min_workers else []),
                *callbacks,
            ],
            worker_runtime_env={"env_vars": _worker_environment(scaling)},
        ),
    )


def pretrain_on_worker(job: TrainJob) -> None:
    """The loop of pre-training."""
    from clism_ray.train.loop import train

    train(job)


def _run(told: dict[str, Any]) -> None:
    told["loop"](told["job"])


def _told(error: Exception, restarts: int) -> Exception:
    """The InputError behind a failure if there is one; else what killed the workers."""
    if told := input_error_in(error):
        return told
    after = f" after {restarts} restart(s)" if isinstance(error, WorkerGroupError) else ""
    return WorkersLost(f"training failed{after}: {why(error)}")


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Ctrl-C is afterwards what it was: Ray Train leaves its handler."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def _threads(scaling: Scaling, nodes: int) -> int:
    """As many as a worker takes whole CPUs; if it takes none, or this machine is all, its share."""
    taken, share = int(scaling.cpus_per_worker), (os.cpu_count() or 1) // scaling.workers
    return max(1, taken, share if nodes == 1 or not taken else 0)


def _worker_environment(scaling: Scaling) -> dict[str, str]:
    threads = scaling.threads_per_worker or _threads(scaling, len(cluster.nodes()))
    environment = {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    if scaling.device == "cpu":
        environment["DS_ACCELERATOR"] = "cpu"
        # It keeps a bf16 kernel, megabytes each, for every shape it meets: 1024 by default.
        environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "64"
    return environment
