"""Settings of a sweep. `config_file` reads them from YAML."""

import dataclasses
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from clism_ray.config import PretrainConfig
from clism_ray.config_tasks import FinetuneConfig
from clism_ray.config_types import STRICT, Name, NonNegative, Positive, Rate

LAST = "last"  # what a trial exports, and its few-shot cell begins with
TESTED = "test/"  # how metrics of a cell begin
_OF_PRETRAIN = ("storage", "scaling", "tracking")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SpaceEntry:
    """The values that one key of a sweep may take; exactly one of these."""

    loguniform: tuple[Rate, Rate] | None = None
    uniform: tuple[float, float] | None = None
    integers: tuple[int, int] | None = None  # both ends included
    choice: Annotated[tuple[Any, ...], Field(min_length=1)] | None = None

    def __post_init__(self) -> None:
        given = [value for value in dataclasses.astuple(self) if value is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of loguniform, uniform, integers and choice")
        if self.choice is None and not given[0][0] < given[0][1]:
            raise ValueError(f"impossible range: {given[0][0]} is not below {given[0][1]}")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class AshaConfig:
    """Asynchronous successive halving: trials that do badly stop early."""

    grace_steps: Positive  # before these no trial is stopped
    reduction: Annotated[int, Field(ge=2)] = 3  # at each rung one of so many goes on


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SweepConfig:
    """Many pre-training runs over a search space of dotted keys."""

    name: Name
    space: Annotated[dict[str, SpaceEntry], Field(min_length=1)]
    pretrain: PretrainConfig  # what all trials share; its name is the sweep's
    search: Literal["optuna", "random", "grid"] = "optuna"
    trials: Positive | None = None  # grid: every combination
    seed: NonNegative = 13  # of the search; the trials' own seed is pretrain.seed
    objective: str = "validation/accuracy"
    mode: Literal["max", "min"] = "max"
    asha: AshaConfig | None = None
    trials_at_once: Positive | None = None  # default: as many as the cluster holds
    retries: NonNegative = 1  # of a trial that fails
    few_shot: FinetuneConfig | None = None  # a cell that each trial's model ends with

    @model_validator(mode="before")
    @classmethod
    def _share_the_name(cls, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        name, tree = tree.get("name"), dict(tree)
        if isinstance(tree.get("pretrain"), dict):
            tree["pretrain"] = {"name": name, **tree["pretrain"]}
        if isinstance(tree.get("few_shot"), dict):
            tree["few_shot"] = {"name": name, "model": {"path": LAST}, **tree["few_shot"]}
        return tree

    def __post_init__(self) -> None:
        if self.pretrain.name != self.name:
            raise ValueError(f"pretrain.name is {self.pretrain.name!r}; leave it to the sweep")
        if self.few_shot and (self.few_shot.name, self.few_shot.model.path) != (self.name, LAST):
            raise ValueError("few_shot.name and few_shot.model are the trial's; leave them out")
        taken = [key for key in _OF_PRETRAIN if _given(self.few_shot, key)]
        if taken:
            raise ValueError(f"few_shot.{taken[0]} is that of pretrain; leave it out")
        if self.few_shot and self.asha:
            raise ValueError(
                "few_shot is measured at the end of a trial, when asha has nothing left to stop; "
                "leave asha out"
            )
        if (self.search == "grid") != (self.trials is None):
            raise ValueError("give trials, the number of them, unless search is grid")
        kinds = {key for key, entry in self.space.items() if entry.choice is None}
        if self.search == "grid" and kinds:
            raise ValueError(f"search is grid: give {', '.join(sorted(kinds))} as choice: [...]")


def _given(cell: FinetuneConfig | None, key: str) -> bool:
    default = {field.name: field.default for field in dataclasses.fields(FinetuneConfig)}[key]
    return cell is not None and getattr(cell, key) != default
