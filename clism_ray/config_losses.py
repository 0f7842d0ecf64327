"""Settings of the losses."""

from typing import Literal

from pydantic.dataclasses import dataclass

from clism_ray.config_types import STRICT, Rate, Weight


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ClismConfig:
    """Cross-lingual span masking, eq. 4."""

    weight: Weight = 1.0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CacrConfig:
    """Contrastive consistency, eq. 7 and 8. The paper's "tau = 20" is read as a scale of 20."""

    weight: Weight = 1.0
    temperature: Rate = 0.05
    # global: from all slots of a step, whatever their number; costs a forward of the encoder more
    negatives: Literal["micro_batch", "global"] = "micro_batch"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MlmConfig:
    """Masked tokens of X."""

    weight: Weight = 1.0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LossConfig:
    """Weights of eq. 9."""

    clism: ClismConfig = ClismConfig()
    cacr: CacrConfig = CacrConfig()
    mlm: MlmConfig = MlmConfig()
