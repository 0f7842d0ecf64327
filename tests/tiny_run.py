"""A run that is over in seconds, on a tiny corpus."""

from pathlib import Path

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse


def tiny_run(corpus: Path, storage: Path, **sections: object) -> PretrainConfig:
    """The configuration, with other sections in place of these or beside them."""
    tree: dict[str, object] = {
        "name": "run",
        "corpus": str(corpus),
        "storage": str(storage),
        "tokenizer": {"vocabulary": 400},
        "model": {"scratch": {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64}},
        "optimizer": {"learning_rate": 1e-3, "warmup_steps": 10},
        "batch": {"slots": 4, "pairs": 4},
        "checkpoint": {"every_steps": 20},
        **sections,
    }
    return parse(PretrainConfig, tree)
