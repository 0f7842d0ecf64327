"""The first step tells which losses have a weight and nothing to learn from."""

import pytest

from clism_ray.config_losses import CacrConfig, ClismConfig, LossConfig, MlmConfig
from clism_ray.train.alive import silent_losses

ALIVE = {
    "data/pairs": 64.0,
    "data/questions": 90.0,
    "loss/clism": 9.0,
    "loss/cacr": 8.0,
    "loss/mlm": 7.0,
}


def test_a_step_in_which_all_losses_speak_is_passed_over() -> None:
    assert silent_losses(ALIVE, LossConfig()) == []


@pytest.mark.parametrize(
    ("silent", "weights", "said"),
    [
        ({"data/questions": 0.0}, {"clism": ClismConfig(weight=2)}, "losses.clism.weight is 2"),
        ({"loss/cacr": 0.0}, {"cacr": CacrConfig(weight=0.5)}, "losses.cacr.weight is 0.5"),
        ({"loss/mlm": 0.0}, {"mlm": MlmConfig(weight=1)}, "losses.mlm.weight is 1"),
    ],
)
def test_a_silent_loss_is_told_if_it_weighs_something(
    silent: dict[str, float], weights: dict[str, object], said: str
) -> None:
    (told,) = silent_losses({**ALIVE, **silent}, LossConfig(**weights))
    assert told.startswith(said)
    nothing = LossConfig(
        clism=ClismConfig(weight=0), cacr=CacrConfig(weight=0), mlm=MlmConfig(weight=0)
    )
    assert silent_losses({**ALIVE, **silent}, nothing) == []


def test_a_step_without_pairs_is_told_with_the_reasons() -> None:
    (told,) = silent_losses(
        {"data/pairs": 0.0, "dropped/no_span_above_min_score": 64.0}, LossConfig()
    )
    assert told.endswith("(64 no_span_above_min_score)")
