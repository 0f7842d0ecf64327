"""A run as it is watched: journal entries to lines, for a person or for a program."""

from datetime import timedelta

from clism_ray.train.journal import Entry


def describe(entry: Entry, steps: int, seconds_per_step: float, person: bool) -> str:
    """One line about an entry. For a program: `key=value` pairs."""
    if entry.kind == "train":
        return _train(entry, steps, seconds_per_step, person)
    values = entry.values
    if entry.kind == "validation":
        languages = {
            name.removeprefix("validation/accuracy/"): share
            for name, share in values.items()
            if name.startswith("validation/accuracy/")
        }
        if not person:
            return f"validation step={entry.step} " + _pairs(values)
        each = "  ".join(f"{name} {share:.1%}" for name, share in languages.items())
        return (
            f"step {entry.step:>6}  held out: exact spans {values['validation/accuracy']:.1%}  "
            f"({each})"
        )
    return f"{values['status']} at step {entry.step}" + (
        f": {values['problem']}" if "problem" in values else ""
    )


def _train(entry: Entry, steps: int, seconds_per_step: float, person: bool) -> str:
    values = entry.values
    if not person:
        return f"train step={entry.step} steps={steps} " + _pairs(values)
    left = timedelta(seconds=round((steps - entry.step) * seconds_per_step))
    return (
        f"step {entry.step:>6}/{steps}  loss {values['loss/total']:7.3f}  "
        f"(clism {values['loss/clism']:.3f}  cacr {values['loss/cacr']:.3f}  "
        f"mlm {values['loss/mlm']:.3f})  "
        f"exact {values['accuracy/train']:6.1%}  {values['speed/pairs_per_second']:6.1f} pairs/s  "
        f"data wait {values['speed/data_wait']:4.0%}  left {left}"
    )


def _pairs(values: dict[str, float]) -> str:
    return " ".join(f"{name}={value:.6g}" for name, value in values.items())
