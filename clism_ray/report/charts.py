"""Curves by step, and bars."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from clism_ray.report.results import Run, Sweep
from clism_ray.report.svg import ACCENT, COLOURS, QUIET, draw, thinned
from clism_ray.train.status import FAILED, FINISHED, RUNNING, STOPPED_EARLY

_ENDS = {STOPPED_EARLY: "o", FAILED: "x"}  # markers
_SPARSE = 30  # points; below, each of them is marked
_DASHES = ("-", "--", ":")


def learning_curves(sweep: Sweep) -> str | None:
    """The objective of every trial by step, the best in front; None before anything is measured."""
    best = sweep.best()
    if not any(map(sweep.curve, sweep.trials)):
        return None

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for trial in sweep.trials:
            curve = thinned(sweep.curve(trial))
            if not curve:
                continue
            leads = trial is best
            colour = ACCENT if leads else COLOURS[0] if trial.status == FINISHED else QUIET
            (line,) = axes.plot(*zip(*curve, strict=True), color=colour)
            line.set(linewidth=3 if leads else 1.2, alpha=1 if leads else 0.7, zorder=3 + leads)
            if trial.status in _ENDS or len(curve) == 1:
                axes.plot(*curve[-1], _ENDS.get(trial.status, "o"), color=colour, markersize=5)
        axes.set(xlabel="step", ylabel=sweep.objective)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        handles = _curve_legend(sweep, best)
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))

    return draw("curves", f"{sweep.objective} of every trial by step", (7.2, 4.2), paint)


def _curve_legend(sweep: Sweep, best: Run | None) -> list[Line2D]:
    handles = []
    if best is not None:
        handles.append(Line2D([], [], color=ACCENT, linewidth=3, label=f"best: {best.name}"))
    for status in (FINISHED, STOPPED_EARLY, RUNNING, FAILED):
        if sweep.count(status):
            colour, marker = COLOURS[0] if status == FINISHED else QUIET, _ENDS.get(status)
            handles.append(Line2D([], [], color=colour, marker=marker, label=status))
    return handles


def importance_bars(shares: Mapping[str, float]) -> str:
    """The importance of each key, highest on top."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        keys = list(shares)[::-1]
        bars = axes.barh(keys, [shares[key] for key in keys], color=COLOURS[0], height=0.6)
        axes.bar_label(bars, [f"{shares[key]:.0%}" for key in keys], padding=4)
        axes.set_xlim(0, max(1e-9, *shares.values()) * 1.12)
        axes.set_xlabel("importance")
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter("{x:.0%}")

    alt = ", ".join(f"{key} {share:.0%}" for key, share in shares.items())
    return draw("importance", f"Importance: {alt}", (7.2, 0.9 + 0.36 * len(shares)), paint)


def metric_panels(labels: Sequence[str], runs: Sequence[Run], metrics: Sequence[str]) -> str:
    """One panel per metric, with the curves of all runs."""
    columns = min(2, len(metrics))
    rows = math.ceil(len(metrics) / columns)
    styles: list[dict[str, Any]] = [
        {"color": COLOURS[i % len(COLOURS)], "linestyle": _DASHES[i // len(COLOURS) % len(_DASHES)]}
        for i in range(len(runs))
    ]

    def paint(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, squeeze=False).flat
        for axes, metric in zip(panels, metrics, strict=False):
            curves = [thinned(run.curves.get(metric, ())) for run in runs]
            sparse = max(map(len, curves)) < _SPARSE
            for curve, style in zip(curves, styles, strict=True):
                if curve:
                    marker = "." if sparse or len(curve) == 1 else ""
                    axes.plot(*zip(*curve, strict=True), **style, marker=marker)
            axes.set_title(metric, fontsize=10, loc="left")
            axes.set_xlabel("step")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        for axes in list(figure.axes)[len(metrics) :]:
            axes.remove()
        handles = [
            Line2D([], [], **style, label=label)
            for label, style in zip(labels, styles, strict=True)
        ]
        fitting = 48 * columns // (6 + max(map(len, labels)))  # side by side
        figure.legend(handles=handles, loc="outside upper left", ncols=max(1, fitting))

    alt = f"{', '.join(metrics)} of {', '.join(labels)} by step"
    return draw("metrics", alt, (4.4 * columns, 0.5 + 2.6 * rows), paint)
