"""The objective of a sweep over the values that it searched."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    NullLocator,
)
from matplotlib.tri import LinearTriInterpolator, Triangulation, UniformTriRefiner

from clism_ray.report.results import Dimension, Run, Sweep
from clism_ray.report.svg import ACCENT, COLOURS, QUIET, draw
from clism_ray.train.status import FAILED, FINISHED, RUNNING, STOPPED_EARLY

NEAR_BEST = 0.05  # of the range of the objective: the outlined region
FEWEST = 6  # points to interpolate between
MARKERS = {FINISHED: "o", STOPPED_EARLY: "v", RUNNING: "D", FAILED: "x"}
_PANELS = 4  # of choices

Point = tuple[float, ...]
Placed = list[tuple[Run, Point, float]]  # a trial, its place, its objective


def landscape(sweep: Sweep, order: list[str]) -> str | None:
    """The objective over the first two numeric keys of `order`; against one where there is one.

    None where no searched key is numeric.
    """
    known = {dimension.key: dimension for dimension in sweep.space if dimension.numeric}
    shown = [known[key] for key in order if key in known][:2]
    if len(shown) == 2:
        x, y = shown
        alt = f"{sweep.objective} over {x.key} and {y.key}"
        return draw("landscape", alt, (7.2, 4.8), lambda figure: _plane(figure, sweep, x, y))
    if shown:
        (x,) = shown
        alt = f"{sweep.objective} against {x.key}"
        return draw("landscape", alt, (7.2, 4.2), lambda figure: _line(figure, sweep, x))
    return None


def choices(sweep: Sweep, order: list[str]) -> str | None:
    """The objective by choice, one panel per key that is a choice between names."""
    known = {dimension.key: dimension for dimension in sweep.space if not dimension.numeric}
    shown = [known[key] for key in order if key in known][:_PANELS]
    if not shown:
        return None

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, dimension in zip(panels, shown, strict=True):
            _dots(axes, sweep, dimension)
        panels[0].set_ylabel(sweep.fair_label())
        _legend(figure, sweep)

    alt = f"{sweep.objective} by {', '.join(dimension.key for dimension in shown)}"
    return draw("choices", alt, (max(7.2, 2.4 * len(shown)), 4.2), paint)


def _plane(figure: Figure, sweep: Sweep, x: Dimension, y: Dimension) -> None:
    axes = figure.subplots()
    axes.grid(visible=False)
    axes.use_sticky_edges = False  # leave a margin around the outermost trials
    placed = _placed(sweep, x, y)
    values = [value for *_, value in placed]
    colours = ScalarMappable(
        Normalize(min(values, default=0), max(values, default=1)),
        "viridis" if sweep.mode == "max" else "viridis_r",  # the best is the brightest
    )
    if len({*values}) > 1:
        _surface(axes, sweep, placed, (x.log, y.log), colours)
    for trial, at, value in placed:
        (colour,) = colours.to_rgba(np.array([value]))
        axes.plot(
            *at, _marker(trial), color=colour, markersize=8, markeredgecolor="white", zorder=3
        )
    for trial in sweep.trials:
        across, up = x.coordinate(trial), y.coordinate(trial)
        if trial.status == FAILED and across is not None and up is not None:
            axes.plot(across, up, MARKERS[FAILED], color=QUIET, zorder=3)
    _mark_best(axes, sweep, [(trial, at) for trial, at, _ in placed])
    figure.colorbar(colours, ax=axes, label=sweep.fair_label())
    _scale(axes, "x", x)
    _scale(axes, "y", y)
    _legend(figure, sweep)


def _surface(
    axes: Axes, sweep: Sweep, placed: Placed, log: tuple[bool, bool], colours: ScalarMappable
) -> None:
    """Fill the plane between the points by linear interpolation, and outline the best of it."""
    at, values = _flat([at for _, at, _ in placed], [value for *_, value in placed], log)
    if len(values) < FEWEST or _on_a_line(at):
        return
    triangles = Triangulation(at[:, 0], at[:, 1])
    between = LinearTriInterpolator(triangles, values)
    fine, height = UniformTriRefiner(triangles).refine_field(values, between, subdiv=4)
    x, y = (10**c if is_log else c for c, is_log in zip((fine.x, fine.y), log, strict=True))
    surface = Triangulation(x, y, fine.triangles)
    low, high = float(np.min(values)), float(np.max(values))
    levels = np.linspace(low, high, 13)
    axes.tricontourf(surface, height, levels=levels, cmap=colours.cmap, norm=colours.norm)
    margin = NEAR_BEST * (high - low)
    level = high - margin if sweep.mode == "max" else low + margin
    axes.tricontour(surface, height, levels=[level], colors="black", linewidths=1.6)


def _flat(
    points: list[Point], values: list[float], log: tuple[bool, bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Points as they lie on paper, each place once with the mean of its values."""
    at = np.array(points, dtype=float).reshape(-1, 2)
    for column, is_log in enumerate(log):
        if is_log:
            at[:, column] = np.log10(at[:, column])
    places, which = np.unique(at, axis=0, return_inverse=True)
    which = which.reshape(-1)
    return places, np.bincount(which, weights=values) / np.bincount(which)


def _on_a_line(at: np.ndarray) -> bool:
    spread = np.ptp(at, axis=0)
    if not spread.all():
        return True
    _, axes, _ = np.linalg.svd((at - at.mean(axis=0)) / spread)
    return bool(axes[1] < 0.01 * axes[0])


def _line(figure: Figure, sweep: Sweep, x: Dimension) -> None:
    axes = figure.subplots()
    points = [(trial, (*at, value)) for trial, at, value in _placed(sweep, x)]
    at_one: dict[float, list[float]] = {}
    for _, (at, value) in points:
        at_one.setdefault(at, []).append(value)
    middle = [(at, sum(values) / len(values)) for at, values in sorted(at_one.items())]
    axes.plot([at for at, _ in middle], [mean for _, mean in middle], color="#cccccc")
    for trial, place in points:
        axes.plot(*place, _marker(trial), color=COLOURS[0], markersize=7, zorder=3)
    _mark_best(axes, sweep, points)
    axes.set_ylabel(sweep.fair_label())
    _scale(axes, "x", x)
    _legend(figure, sweep)


def _placed(sweep: Sweep, *dimensions: Dimension) -> Placed:
    """The trials that did not fail and have a value for each key and an objective."""
    found: Placed = []
    for trial in sweep.trials:
        value = sweep.fair_value(trial)
        at = [c for d in dimensions if (c := d.coordinate(trial)) is not None]
        if value is not None and len(at) == len(dimensions) and trial.status != FAILED:
            found.append((trial, tuple(at), value))
    return found


def _dots(axes: Axes, sweep: Sweep, dimension: Dimension) -> None:
    names = list(dict.fromkeys(t.params.get(dimension.key, "") for t in sweep.ranked()))[::-1]
    best = sweep.best()
    for trial in sweep.trials:
        value = sweep.fair_value(trial)
        if value is None or trial.status == FAILED:
            continue
        at = names.index(trial.params.get(dimension.key, ""))
        if trial is best:
            axes.plot(at, value, "*", color=ACCENT, markersize=15, zorder=4)
        else:
            axes.plot(at, value, _marker(trial), color=COLOURS[0], alpha=0.7, markersize=7)
    axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=20, ha="right")
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xlabel(dimension.key)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:10]}…{name[-13:]}"


def _marker(trial: Run) -> str:
    return MARKERS.get(trial.status, "o")


def _mark_best(axes: Axes, sweep: Sweep, placed: list[tuple[Run, Point]]) -> None:
    best = sweep.best()
    for trial, at in placed:
        if trial is best:
            axes.plot(*at, "*", color=ACCENT, markersize=16, markeredgecolor="white", zorder=5)


def _legend(figure: Figure, sweep: Sweep) -> None:
    """Markers of the statuses that occur, and the name of the best trial, above the figure."""
    entries = [
        Line2D([], [], linestyle="", marker=marker, color=QUIET, label=status)
        for status, marker in MARKERS.items()
        if sweep.count(status)
    ]
    best = sweep.best()
    if best is not None:
        label = f"best: {best.name}"
        star = Line2D([], [], linestyle="", marker="*", color=ACCENT, markersize=13, label=label)
        entries.insert(0, star)
    if entries:
        figure.legend(handles=entries, loc="outside upper left", ncols=len(entries))


def _scale(axes: Axes, which: str, dimension: Dimension) -> None:
    """Label one axis with a searched key, and give it the key's scale in plain numbers."""
    axis = {"x": axes.xaxis, "y": axes.yaxis}[which]
    axes.set(**{f"{which}label": dimension.key})
    if dimension.log:
        axes.set(**{f"{which}scale": "log"})
    axis.set_major_locator(_ticks(dimension, *getattr(axes, f"get_{which}lim")()))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _ticks(dimension: Dimension, low: float, high: float) -> Locator:
    if dimension.kind == "choice" and len(dimension.values) <= 8:
        return FixedLocator(sorted(dimension.values))
    if dimension.log and high / low >= 10:
        return LogLocator(subs=(1,) if high / low > 1e3 else (1, 2, 5))
    return MaxNLocator(6, integer=dimension.kind == "integers")
