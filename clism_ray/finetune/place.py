"""Where a cell stands in the grid of an evaluation: its model, its form, its size, its sample."""

import itertools
from typing import NamedTuple

from clism_ray.config_tasks import EvaluateConfig, Form


class Place(NamedTuple):
    """Names a cell, and as text its folder: `ours.question.64.1`."""

    model: str
    form: Form
    size: int | None
    sample: int

    def __str__(self) -> str:
        return f"{self.model}.{self.form}.{size_label(self.size)}.{self.sample}"


def places(config: EvaluateConfig) -> list[Place]:
    """All of the grid; a sample of every model and form comes before the next sample."""
    return [
        Place(name, form, size, sample)
        for size, sample in itertools.product(config.sizes, config.samples)
        for name, entry in config.models.items()
        for form in entry.forms
    ]


def size_label(size: int | None) -> str:
    """`128`, or `all`."""
    return "all" if size is None else str(size)
