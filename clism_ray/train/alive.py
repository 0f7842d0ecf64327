"""Whether every loss that weighs something has something to learn from, in the first step."""

from collections.abc import Mapping

from clism_ray.config_losses import LossConfig


def silent_losses(metrics: Mapping[str, float], weights: LossConfig) -> list[str]:
    """A sentence for each loss that has a weight but nothing to say; `metrics` of one step.

    None of this stops a run: another step may have what this one lacks. A loss that is not finite
    does, in any step.
    """
    if not metrics["data/pairs"]:
        reasons = [name for name in metrics if name.startswith("dropped/")]
        told = ", ".join(f"{metrics[name]:.0f} {name.removeprefix('dropped/')}" for name in reasons)
        return [f"no pair of this step became an example, so nothing is learnt ({told})"]
    found = []
    if weights.clism.weight and not metrics["data/questions"]:
        found.append(
            f"losses.clism.weight is {weights.clism.weight:g}, but this step asks no question; "
            "see masking.labels, masking.min_score and masking.min_confidence"
        )
    if weights.cacr.weight and not metrics["loss/cacr"]:
        found.append(
            f"losses.cacr.weight is {weights.cacr.weight:g}, but no pair of this step has a "
            "negative in its micro-batch; see batch.pairs"
        )
    if weights.mlm.weight and not metrics["loss/mlm"]:
        found.append(
            f"losses.mlm.weight is {weights.mlm.weight:g}, but this step masks no token; "
            "see masking.mlm_probability"
        )
    return found
