"""From a cell's configuration to its task."""

from clism_ray.config_tasks import FinetuneConfig
from clism_ray.finetune.ner import load_ner
from clism_ray.finetune.qa import load_qa
from clism_ray.finetune.task import Task


def load_task(config: FinetuneConfig) -> Task:
    """Read the training examples and build the model; InputError if it cannot be."""
    return load_qa(config) if config.qa else load_ner(config)
