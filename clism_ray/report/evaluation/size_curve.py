"""Scores by number of training examples: one line per model, with its interval."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from clism_ray.report.svg import COLOURS, QUIET, draw
from clism_ray.tasks.statistics import Estimate

_DASHES = ("-", "--", ":")


class Point(NamedTuple):
    """A score after training on so many examples."""

    examples: int
    score: Estimate


def size_curve(
    name: str, ylabel: str, curves: Mapping[str, Sequence[Point]], baseline: str
) -> str | None:
    """The SVG, examples on a logarithmic axis; None where no model has two points.

    Args:
        name: of the figure; no other one in a page may have it.
        ylabel: what the scores are.
        curves: by model, each by rising number of examples.
        baseline: this model's line is grey.
    """
    if max(map(len, curves.values()), default=0) < 2:
        return None
    sizes = sorted({point.examples for points in curves.values() for point in points})
    others = [model for model in curves if model != baseline]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for model, points in curves.items():
            number = others.index(model) if model in others else -1
            colour = COLOURS[number % len(COLOURS)] if model in others else QUIET
            at = [point.examples for point in points]
            values, lows, highs = zip(*(point.score for point in points), strict=True)
            dash = _DASHES[number // len(COLOURS) % len(_DASHES)] if model in others else "--"
            axes.fill_between(at, lows, highs, color=colour, alpha=0.15, linewidth=0)
            axes.plot(at, values, color=colour, linestyle=dash, marker="o", label=model)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{size:,}" for size in sizes]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="training examples", ylabel=ylabel)
        fitting = 72 // (6 + max(map(len, curves)))  # side by side
        figure.legend(loc="outside upper left", ncols=max(1, fitting))

    alt = f"{ylabel} of {', '.join(curves)} by training examples"
    return draw(name, alt, (7.2, 4.2), paint)
