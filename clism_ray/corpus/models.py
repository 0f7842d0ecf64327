"""Whether the tasks of a preparation hold a model, a token classifier or an encoder, and where."""

from clism_ray.config_corpus import PrepareConfig


def are_held(config: PrepareConfig) -> bool:
    """Whether what finds spans or links words is a model."""
    return config.alignment.neural is not None or config.spans.token_classification is not None


def device(config: PrepareConfig) -> str:
    """On which device of its node a task runs its models."""
    return "cuda" if config.resources.gpus_per_task else "cpu"
