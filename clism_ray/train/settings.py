"""What workers, their engine and their resources need to know, of whatever is trained."""

from typing import Protocol

from clism_ray.config import OptimizerConfig, ScalingConfig, ZeroConfig


class Batching(Protocol):
    """How a global step is divided."""

    @property
    def slots(self) -> int:
        """Micro-batches of a step, for any number of workers."""

    @property
    def micro_batch(self) -> int:
        """Examples of a micro-batch."""


class Settings(Protocol):
    """A configuration of training, `PretrainConfig` or `FinetuneConfig`."""

    @property
    def optimizer(self) -> OptimizerConfig:
        """AdamW."""

    @property
    def batch(self) -> Batching:
        """Slots and what they hold."""

    @property
    def scaling(self) -> ScalingConfig:
        """Workers."""

    @property
    def zero(self) -> ZeroConfig:
        """What they shard."""


class Job(Protocol):
    """What a driver tells its workers."""

    @property
    def config(self) -> Settings:
        """How they train."""

    @property
    def run(self) -> str:
        """Folder on storage that every worker sees."""
