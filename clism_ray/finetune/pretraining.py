"""What a model was pre-trained on, as far as the record of its run tells."""

import json
from pathlib import Path
from typing import Any

from clism_ray.errors import InputError
from clism_ray.train.known_run import RECORD

ROWS = ("start", "corpus", "seed", "slots", "pairs", "steps", "kept")  # equal: the same rows
LOSSES = ("clism", "cacr", "mlm")


def pretraining(path: str) -> dict[str, Any] | None:
    """What decides the rows a model saw (`ROWS`), and the weights of its losses (`LOSSES`).

    None if it is not the `best` or `last` folder of a run. Raises InputError if the record of the
    run cannot be read.
    """
    model = Path(path).expanduser()
    record = model.parent / RECORD
    if model.name not in ("best", "last") or not record.is_file():
        return None
    try:
        run = json.loads(record.read_text(encoding="utf-8"))
        identity = run["identity"]
        return {
            "start": run.get("start"),
            "corpus": identity["corpus_hash"],
            "seed": identity["seed"],
            **{name: identity["batch"][name] for name in ("slots", "pairs")},
            "steps": run["steps"],
            "kept": model.name,
            **{name: identity["losses"][name]["weight"] for name in LOSSES},
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{record}: cannot be read ({type(error).__name__}: {error}); it tells what "
            f"{model} was pre-trained on. A copy of that folder elsewhere does without"
        ) from error
