"""The driver: checks, starts Ray Train on the loop, follows the journal, closes the run."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError, UserCallback
from ray.train.torch import TorchConfig, TorchTrainer
from transformers.utils.logging import disable_progress_bar

from clism_ray import cluster, tracking
from clism_ray.config import PretrainConfig, to_tree
from clism_ray.config_file import to_yaml
from clism_ray.corpus.manifest import Manifest, read_manifest, verify_hashes
from clism_ray.errors import InputError, RunFailed
from clism_ray.masking.microbatch import Recipe
from clism_ray.model.card import model_card
from clism_ray.model.encoder import check_start
from clism_ray.train import journal, preflight
from clism_ray.train.follow import following
from clism_ray.train.job import TrainJob
from clism_ray.train.run import (
    RunRecord,
    make_folder,
    make_tokenizer,
    open_run,
    recipe_of,
    run_folder,
    steps_of,
    write_record,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainResult:
    """Where a run stands and what it left."""

    status: str  # finished or stopped
    folder: Path
    recipe: Recipe
    manifest: Manifest
    tracking_uri: str
    mlflow_run: str | None


def pretrain(config: PretrainConfig) -> PretrainResult:
    """Run, or go on with, the pre-training run of this configuration.

    Raises:
        InputError: something the configuration names cannot be used.
        RunFailed: the run ended early; started again, it goes on from its last checkpoint.
    """
    disable_progress_bar()
    shown = _without_password(config)
    corpus = Path(config.corpus).expanduser().resolve()
    manifest = read_manifest(corpus)
    record = open_run(config, manifest)
    folder = run_folder(config)
    recipe = recipe_of(config, corpus)
    steps = steps_of(config, manifest, recipe)
    uri = config.tracking.uri or tracking.default_uri(folder.parent.parent)
    if record.status == "finished":
        return _result("finished", recipe, manifest, uri, record)
    verify_hashes(corpus, manifest)
    limits = config.tokenizer
    check_start(config.model, limits.max_source_tokens + limits.max_target_tokens)
    preflight.check_checkpoint(folder, config)
    cluster.connect(minimum_cpus=2)  # one for workers, one for data
    preflight.check_resources(config, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    make_folder(config, record)
    (folder / "config.yaml").write_text(to_yaml(shown), encoding="utf-8")
    make_tokenizer(config, corpus, manifest)
    tracker = _start_tracking(shown, uri, record, manifest, folder)
    record = dataclasses.replace(record, status="running", mlflow_run=tracker.run_id)
    write_record(config, record)
    job = TrainJob(
        config=config,
        recipe=recipe,
        run=str(folder),
        steps=steps,
        identity_hash=record.identity_hash,
        card=model_card(config, manifest, record.identity_hash),
    )
    status = "failed"
    try:
        with following(folder / journal.JOURNAL, tracker, config.tracking.log_every_steps, steps):
            status = _fit(job)
    finally:
        write_record(config, dataclasses.replace(record, status=status))
        finished = status == "finished"
        tracker.close(finished, _artefacts(corpus, folder) if finished else [])
    return _result(status, recipe, manifest, uri, record)


class JournalCallback(UserCallback):  # type: ignore[misc]
    """Runs in Ray Train's controller, on the driver's node: reports go to the journal."""

    def __init__(self, path: str) -> None:
        self.path = path

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Append what rank 0 reported."""
        entries = [journal.Entry(**entry) for entry in metrics[0]["entries"]]
        journal.append(Path(self.path), entries)


def _train(told: dict[str, TrainJob]) -> None:
    # Imported on the worker: the driver's machine needs neither DeepSpeed nor its device.
    from clism_ray.train.loop import train

    train(told["job"])


def _fit(job: TrainJob) -> str:
    """Run Ray Train to its end; the status of the run."""
    scaling = job.config.scaling
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")  # reports wait for this poll
    path = Path(job.run) / journal.JOURNAL
    begun = journal.read_from(path, 0)[1]  # a torn last line will be cut off
    resources = {"CPU": scaling.cpus_per_worker}
    if scaling.gpus_per_worker:
        resources["GPU"] = scaling.gpus_per_worker
    trainer = TorchTrainer(
        _train,
        train_loop_config={"job": job},
        torch_config=TorchConfig(backend=scaling.backend),
        scaling_config=ScalingConfig(
            num_workers=scaling.workers,
            use_gpu=scaling.device == "cuda",
            resources_per_worker=resources,
        ),
        run_config=RunConfig(
            name="ray_train",
            storage_path=job.run,
            failure_config=FailureConfig(max_failures=scaling.max_restarts),
            callbacks=[JournalCallback(str(path))],
            worker_runtime_env={"env_vars": _worker_environment(job.config)},
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise _told(error, job) from error
    events = [entry for entry in journal.read_from(path, begun)[0] if entry.kind == "event"]
    if not events:
        raise RunFailed(f"the run in {job.run} ended without saying why; start it again to go on")
    if "problem" in events[-1].values:
        raise RunFailed(events[-1].values["problem"])
    return str(events[-1].values["status"])


def _told(error: Exception, job: TrainJob) -> Exception:
    """The InputError behind a failure if there is one; else a failure that says how to go on."""
    causes = list(_causes(error))
    # Ray raises what a task raised as an error of both classes that reads as a traceback; the
    # innermost is the one that was written for people.
    inputs = [cause for cause in causes if isinstance(cause, InputError)]
    if inputs:
        return InputError(str(inputs[-1]))
    root = causes[-1]
    return RunFailed(
        f"training failed after {job.config.scaling.max_restarts} restart(s): "
        f"{type(root).__name__}: {root}\nstarted again, it goes on from the last checkpoint in "
        f"{job.run}"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    inner = list(getattr(error, "worker_failures", {}).values())
    inner += [getattr(error, "cause", None), error.__cause__]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def _start_tracking(
    config: PretrainConfig, uri: str, record: RunRecord, manifest: Manifest, folder: Path
) -> tracking.Tracker:
    tags = {
        "identity": record.identity_hash,
        "corpus": manifest.content_hash,
        "git_commit": tracking.git_commit(),
        "folder": str(folder),
    }
    return tracking.start(
        uri,
        config.tracking.experiment,
        folder.parent.parent / "mlflow",
        config.name,
        record.mlflow_run,
        to_tree(config),
        tags,
    )


def _without_password(config: PretrainConfig) -> PretrainConfig:
    """The configuration as it may be kept and shown."""
    if config.tracking.uri is None:
        return config
    uri = tracking.without_password(config.tracking.uri)
    return dataclasses.replace(config, tracking=dataclasses.replace(config.tracking, uri=uri))


def _artefacts(corpus: Path, folder: Path) -> list[tuple[Path, str | None]]:
    """What MLflow keeps of a finished run, and in which of its folders."""
    files = (corpus / "data_card.json", corpus / "data_card.html", folder / "config.yaml")
    best = folder / "best"
    model = best if best.is_dir() else folder / "last"
    return [*((path, None) for path in files if path.is_file()), (model, "model")]


def _result(
    status: str, recipe: Recipe, manifest: Manifest, uri: str, record: RunRecord
) -> PretrainResult:
    return PretrainResult(
        status=status,
        folder=Path(recipe.tokenizer).parent,
        recipe=recipe,
        manifest=manifest,
        tracking_uri=uri,
        mlflow_run=record.mlflow_run,
    )


def _worker_environment(config: PretrainConfig) -> dict[str, str]:
    threads = config.scaling.threads_per_worker or max(
        1, (os.cpu_count() or 1) // config.scaling.workers
    )
    environment = {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    if config.scaling.device == "cpu":
        environment["DS_ACCELERATOR"] = "cpu"
        # It keeps a bf16 kernel, megabytes each, for every shape it meets: 1024 by default.
        environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "64"
    return environment
