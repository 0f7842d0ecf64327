"""A run as it is watched: journal entries to lines, for a person or for a program."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from clism_ray.train.journal import Entry


def describe(entry: Entry, steps: int, seconds_per_step: float, person: bool) -> str:
    """One line about an entry. For a program: `key=value` pairs."""
    if entry.kind == "train":
        return _train(entry, steps, seconds_per_step, person)
    values = entry.values
    if entry.kind == "test":
        return f"test step={entry.step} " + _pairs(values)
    if entry.kind == "validation":
        if not person:
            return f"validation step={entry.step} " + _pairs(values)
        return f"step {entry.step:>6}  held out: {_held_out(values)}"
    workers = f" with {values['workers']} worker(s)" if "workers" in values else ""
    problem = f": {values['problem']}" if "problem" in values else ""
    return f"{values['status']} at step {entry.step}{workers}{problem}"


def describe_trial(
    name: str, step: int, steps: int, objective: str, value: float, values: Mapping[str, Any]
) -> str:
    """One line about a validation in a trial of a sweep, for a person and for a program."""
    return f"trial {name} step={step} steps={steps} {objective}={value:.6g} {settings(values)}"


def describe_sweep(over: int, trials: int, seconds_per_trial: float) -> str:
    """One line whenever a trial is over."""
    left = timedelta(seconds=round((trials - over) * seconds_per_trial))
    return f"sweep over={over} trials={trials} left={left}"


def describe_cell(name: str, entry: Entry, person: bool) -> str:
    """One line about a step of a fine-tuning."""
    values = entry.values
    if not person:
        return f"cell {name} step={entry.step} " + _pairs(values)
    return (
        f"{name}  step {entry.step:>5}  loss {values['loss/total']:7.3f}  "
        f"{values['speed/examples_per_second']:6.1f} examples/s"
    )


def describe_grid(over: int, cells: int, failed: int, seconds_per_cell: float) -> str:
    """One line whenever a cell is over."""
    left = timedelta(seconds=round((cells - over) * seconds_per_cell))
    return f"evaluation over={over} cells={cells} failed={failed} left={left}"


def settings(values: Mapping[str, Any]) -> str:
    """Searched keys and their values."""
    return " ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in values.items()
    )


def _train(entry: Entry, steps: int, seconds_per_step: float, person: bool) -> str:
    values = entry.values
    if not person:
        return f"train step={entry.step} steps={steps} " + _pairs(values)
    left = timedelta(seconds=round((steps - entry.step) * seconds_per_step))
    asked = "accuracy/train" in values
    losses = "  ".join(
        f"{name} {values[f'loss/{name}']:.3f}"
        for name in ("clism", "cacr", "mlm")
        if asked or name != "clism"
    )
    exact = f"exact {values['accuracy/train']:6.1%}  " if asked else ""
    return (
        f"step {entry.step:>6}/{steps}  loss {values['loss/total']:7.3f}  ({losses})  "
        f"{exact}{values['speed/pairs_per_second']:6.1f} pairs/s  "
        f"data wait {values['speed/data_wait']:4.0%}  left {left}"
    )


def _held_out(values: Mapping[str, float]) -> str:
    """What says most of a validation: a share and that of each language pair, or the loss."""
    for name, told in (("accuracy", "exact spans"), ("retrieval", "translations found")):
        whole = f"validation/{name}"
        if whole in values:
            each = "  ".join(
                f"{key.removeprefix(whole + '/')} {value:.1%}"
                for key, value in values.items()
                if key.startswith(whole + "/")
            )
            return f"{told} {values[whole]:.1%}  ({each})"
    return f"loss {values['validation/loss/total']:.3f}"


def _pairs(values: dict[str, float]) -> str:
    return " ".join(f"{name}={value:.6g}" for name, value in values.items())
