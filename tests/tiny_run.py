"""A run that is over in seconds, on a tiny corpus."""

from collections.abc import Mapping
from pathlib import Path

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse


def tiny_run(
    corpus: Path, storage: Path, scaling: Mapping[str, object] | None = None, **sections: object
) -> PretrainConfig:
    """The configuration, with other sections in place of these or beside them.

    One process makes a worker's micro-batches: more would take longer to start than to be of use.
    """
    tree: dict[str, object] = {
        "name": "run",
        "corpus": str(corpus),
        "storage": str(storage),
        "tokenizer": {"vocabulary": 400},
        "model": {"scratch": {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64}},
        "optimizer": {"learning_rate": 1e-3, "warmup_steps": 10},
        "batch": {"slots": 4, "pairs": 4},
        "checkpoint": {"every_steps": 20},
        "scaling": {"threads_per_worker": 1, "data_tasks_per_worker": 1, **(scaling or {})},
        **sections,
    }
    return parse(PretrainConfig, tree)
