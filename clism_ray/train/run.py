"""A run on disk: its folder, its identity, and whether it may go on.

<storage>/runs/<name>.lock    held by the process that drives the run
<storage>/runs/<name>/
    run.json          identity, its hash, what the start held, the MLflow run, the status
    config.yaml       the configuration of the latest start
    tokenizer/        with `[QUE]`
    journal.jsonl     every metric
    tracking.json     its place in MLflow, see `tracking_record`
    checkpoints/      see `checkpoint`; checkpoints.set-aside-1/ and so on: those that did not hold
    best/, last/      exported models
    validating-*      see `validator`
    reservation       the placement group of the workers, of the latest start
    requester         by what name an elastic run asks the cluster for room
"""

import dataclasses
import json
import shutil
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clism_ray.config import PretrainConfig, defaults, differences, identity, identity_hash
from clism_ray.corpus.manifest import Manifest, windows
from clism_ray.corpus.rows import read_rows
from clism_ray.corpus.storage import Location
from clism_ray.errors import InputError, RunFailed
from clism_ray.masking.microbatch import Recipe, plan_of
from clism_ray.masking.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from clism_ray.model.fingerprint import fingerprint
from clism_ray.train.checkpoint import steps_saved
from clism_ray.train.known_run import RECORD
from clism_ray.train.status import FINISHED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

RESERVATION = "reservation"
REQUESTER = "requester"
_TOKENIZER_ROWS = 100_000  # rows a tokenizer is trained on


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What is remembered of a run between its starts."""

    identity: dict[str, Any]
    identity_hash: str
    status: str = "new"  # new, running, stopped, failed, finished
    steps: int | None = None  # of the whole run, once it has started
    mlflow_run: str | None = None
    delivered: bool = False  # MLflow has every metric and artefact of the finished run
    start: str | None = None  # what `model.start` held when the run began


def run_folder(config: PretrainConfig) -> Path:
    """Where the run of this name lives."""
    return Path(config.storage).expanduser().resolve() / "runs" / config.name


def open_run(config: PretrainConfig, manifest: Manifest) -> RunRecord:
    """The record of a new run, or of the one of this name if its identity is the same.

    Raises InputError, with the differences, if the name belongs to another run, and if the model
    that the run began with is another one by now.
    """
    tree = identity(config, manifest.content_hash)
    path = run_folder(config) / RECORD
    if not path.is_file():
        return RunRecord(identity=tree, identity_hash=identity_hash(tree))
    record = RunRecord(**json.loads(path.read_text(encoding="utf-8")))
    known = with_new_keys(record.identity, tree, defaults(PretrainConfig))
    check_same(f"the run {config.name!r}", path.parent, known, tree)
    if record.status != FINISHED and record.start and record.start != start_of(config):
        raise InputError(
            f"model.start {config.model.start!r}: its files are not those that the run "
            f"{config.name!r} began with; put them back, or give this one another name=..."
        )
    return record


def start_of(config: PretrainConfig) -> str | None:
    """What the model that a run begins with holds; None if it begins with none."""
    model = config.model
    return None if model.start is None else fingerprint(model.start, model.revision)


def with_new_keys(
    known: dict[str, Any], now: dict[str, Any], default: dict[str, Any]
) -> dict[str, Any]:
    """An identity, and of those keys that are younger than it those that have their defaults now.

    A key is made with the default that keeps what runs did without it.
    """
    added = {key: now[key] for key in now.keys() & default.keys() - known.keys()}
    same = {key: value for key, value in added.items() if value == default[key]}
    inside = {
        key: with_new_keys(value, now[key], default.get(key) or {})
        for key, value in known.items()
        if isinstance(value, dict) and isinstance(now.get(key), dict)
    }
    return {**known, **inside, **same}


def check_same(what: str, folder: Path, known: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise InputError, with the differences, if a name belongs to another identity."""
    if identity_hash(known) != identity_hash(now):
        changed = "\n  ".join(differences(known, now))
        raise InputError(
            f"{what} exists in {folder} with other settings:\n  {changed}\n"
            "give this one another name=..., or undo the changes to go on with that one"
        )


def make_folder(config: PretrainConfig, record: RunRecord) -> None:
    """Make the run's folder, and clear away what starts that died left half made."""
    folder = run_folder(config)
    folder.mkdir(exist_ok=True)
    for place in (folder, folder / "checkpoints"):
        for left in place.glob("*.partial.*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    # Of a start that failed before it ran, whose settings may be others; but a checkpoint keeps its
    # own, which came with it.
    if record.status == "new" and not steps_saved(folder):
        shutil.rmtree(folder / "tokenizer", ignore_errors=True)


def write_record(config: PretrainConfig, record: RunRecord) -> None:
    """Remember a run; an interrupted write leaves the old record.

    Raises RunFailed if it cannot be written.
    """
    path = run_folder(config) / RECORD
    try:
        write_json(path, dataclasses.asdict(record))
    except OSError as error:
        raise RunFailed(
            f"{path}: cannot be written ({error.strerror or error}); make room, or see to its "
            "storage, and start again"
        ) from error


def write_json(path: Path, tree: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.rename(path)


def recipe_of(config: PretrainConfig, corpus: Location) -> Recipe:
    """What decides the micro-batches of a run."""
    return Recipe(
        corpus=str(corpus),
        tokenizer=str(run_folder(config) / "tokenizer"),
        limits=config.tokenizer,
        masking=config.masking,
        pairs=config.batch.pairs,
        slots=config.batch.slots,
        seed=config.seed,
    )


def steps_of(config: PretrainConfig, manifest: Manifest, recipe: Recipe) -> int:
    """How many optimizer steps a run takes; InputError if there is nothing to train on."""
    per_epoch = plan_of(manifest.train, recipe).steps
    if not per_epoch:
        raise InputError(
            f"{recipe.corpus}: the prepared corpus has no training pairs; see its data card for "
            "why they were dropped, and prepare it again"
        )
    if config.length.steps is not None:
        return config.length.steps
    assert config.length.epochs is not None
    return config.length.epochs * per_epoch


def make_tokenizer(
    config: PretrainConfig, corpus: Location, manifest: Manifest, folder: Path
) -> None:
    """Save the tokenizer of a run: the configured one, the start's, or one trained on the corpus.

    Nothing if the folder is there.
    """
    if folder.is_dir():
        return
    tokenizer = named_tokenizer(config)
    if tokenizer is None:
        rows = (
            pair
            for window in windows(manifest.train)
            for pair in read_rows(corpus, window, range(window.rows))
        )
        texts = (
            text for pair in islice(rows, _TOKENIZER_ROWS) for text in (pair.source, pair.target)
        )
        tokenizer = train_tokenizer(texts, config.tokenizer.vocabulary)
    save_tokenizer(tokenizer, folder)


def named_tokenizer(config: PretrainConfig) -> "PreTrainedTokenizerFast | None":
    """The configured tokenizer, or the start's; None if one is trained on the corpus."""
    if config.tokenizer.path is not None:
        return load_tokenizer(config.tokenizer.path)
    if config.model.start is not None:
        return load_tokenizer(config.model.start, config.model.revision)
    return None
