"""What a model was pre-trained on, as far as the record of its run tells."""

import json
from pathlib import Path
from typing import Any

from clism_ray.errors import InputError
from clism_ray.train.known_run import RECORD

_BATCH = ("slots", "pairs")
_MASKING = ("max_spans", "labels", "min_score", "min_confidence", "mlm_probability")
_LIMITS = ("max_source_tokens", "max_target_tokens")
# Equal: the same rows, but for questions in one of two.
ROWS = ("start", "corpus", "seed", *_BATCH, "steps", "kept", *_MASKING, *_LIMITS)
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
            **{name: identity["batch"][name] for name in _BATCH},
            "steps": run["steps"],
            "kept": model.name,
            **{name: identity["masking"][name] for name in _MASKING},
            **{name: identity["tokenizer"][name] for name in _LIMITS},
            **{name: identity["losses"][name]["weight"] for name in LOSSES},
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{record}: cannot be read ({type(error).__name__}: {error}); it tells what "
            f"{model} was pre-trained on. A copy of that folder elsewhere does without"
        ) from error
