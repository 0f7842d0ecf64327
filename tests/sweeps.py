"""Made-up sweeps: what trials would have measured."""

from clism_ray.report.results import Curve, Dimension, Run, Sweep
from clism_ray.train.status import FINISHED

OBJECTIVE = "validation/accuracy"
TEMPERATURE = Dimension("losses.cacr.temperature", "loguniform", (0.01, 1.0))
WEIGHT = Dimension("losses.cacr.weight", "uniform", (0.0, 2.0))
PRECISION = Dimension("zero.precision", "choice", ("fp32", "bf16"))


def trial(
    name: str, curve: Curve, status: str = FINISHED, problem: str | None = None, **values: object
) -> Run:
    """A trial; keys of the configuration are given with `__` for the dot."""
    return Run(
        name=name,
        run_id=name * 2,
        status=status,
        params={key.replace("__", "."): str(value) for key, value in values.items()},
        tags={"problem": problem} if problem else {},
        last={OBJECTIVE: curve[-1][1]} if curve else {},
        curves={OBJECTIVE: curve} if curve else {},
        seconds=60.0,
    )


def sweep(
    trials: list[Run],
    space: tuple[Dimension, ...] = (TEMPERATURE, WEIGHT),
    mode: str = "max",
    **tags: str,
) -> Sweep:
    """A sweep of these trials."""
    parent = Run(
        name="made", run_id="0", status="finished", params={}, tags=tags, last={}, curves={}
    )
    return Sweep(
        name="made", run=parent, objective=OBJECTIVE, mode=mode, space=space, trials=tuple(trials)
    )


def grid(
    values: list[tuple[float, float]], objective: list[float], steps: tuple[int, ...] = (10,)
) -> list[Run]:
    """One finished trial per (temperature, weight), with its objective at every step."""
    return [
        trial(
            f"t{i}",
            tuple((step, value) for step in steps),
            losses__cacr__temperature=temperature,
            losses__cacr__weight=weight,
        )
        for i, ((temperature, weight), value) in enumerate(zip(values, objective, strict=True))
    ]
