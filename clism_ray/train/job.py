"""What the driver tells its workers."""

import dataclasses

from clism_ray.config import PretrainConfig
from clism_ray.masking.microbatch import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainJob:
    """One training job. Small, and the same for every worker."""

    config: PretrainConfig
    recipe: Recipe
    run: str  # folder of the run, on storage that every worker sees
    steps: int
    identity_hash: str
    deadline: float | None  # seconds since 1970; the run stops at the first step after it
    card: str  # the text of the model card
