"""What the driver of a cell tells its workers."""

import dataclasses
from typing import Any

from clism_ray.config_tasks import FinetuneConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class CellJob:
    """One cell. Small, and the same for every worker."""

    config: FinetuneConfig
    run: str  # folder of the cell, on storage that every worker sees
    model: str  # its name in results
    identity: dict[str, Any]
    identity_hash: str
