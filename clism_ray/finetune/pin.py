"""Models on the hub at one commit, however long an evaluation takes and however often it starts."""

import dataclasses
from pathlib import Path

from clism_ray.config_tasks import EntryConfig, EvaluateConfig, FinetuneConfig, StartConfig
from clism_ray.model.named import pinned


def pin_model(config: FinetuneConfig) -> FinetuneConfig:
    """The same at the commit that the model's revision names now; a folder stays as it is.

    Raises InputError if the hub does not know the model, or cannot be asked.
    """
    revision = _commit("model", config.model)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, revision=revision))


def pin_models(config: EvaluateConfig) -> EvaluateConfig:
    """The same for all models of an evaluation."""
    entries = {
        name: dataclasses.replace(entry, revision=_commit(f"models.{name}", entry))
        for name, entry in config.models.items()
    }
    return dataclasses.replace(config, models=entries)


def _commit(key: str, model: EntryConfig | StartConfig) -> str | None:
    folder = Path(model.path).expanduser()
    if folder.is_absolute() or model.path.startswith("."):
        return model.revision  # a folder, there or not: whoever loads it says so
    return pinned(key, model.path, model.revision)
