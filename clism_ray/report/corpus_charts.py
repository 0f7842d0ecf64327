"""Figures of a prepared corpus: what was dropped, lengths, labels, scores."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from clism_ray.corpus.card import kept, reasons
from clism_ray.corpus.measures import SCORE_BINS, Measures, quantile, shares_from
from clism_ray.report.svg import COLOURS, QUIET, draw

MOST_BARS = 40
MOST_CURVES = 6  # language pairs that are told apart; the others are grey
_MOST_PARTS = 6  # of a bar, beside what was kept; there are as many colours
_OTHERS = "others"
_LONGEST = 0.995  # share of the texts that an axis of lengths shows
_LEGEND_COLUMNS = 4
_WIDTH = 8.2  # inches


def dropped_bars(counts: Mapping[str, Mapping[str, int]]) -> str:
    """What became of the pairs of each row of a card's table, as shares of what came in."""
    filled = {name: row for name, row in counts.items() if row["in"]}
    shown = sorted(filled, key=lambda name: -filled[name]["in"])[:MOST_BARS]
    total: Counter[str] = Counter()
    for name in shown:
        total.update(reasons(filled[name]))
    leading = _leading(total)
    parts = {
        name: {"kept": kept(row), **_shortened(reasons(row), leading)}
        for name, row in filled.items()
        if name in shown
    }
    return _stacked("dropped", "share of the pairs that came in", parts, ["kept", *leading])


def label_bars(measures: Mapping[str, Measures]) -> str:
    """The labels of each language pair's spans, as shares."""
    shown = sorted(measures, key=lambda name: -measures[name].spans)[:MOST_BARS]
    total: Counter[str] = Counter()
    for name in shown:
        total.update(measures[name].labels)
    leading = _leading(total)
    parts = {
        name: _shortened(found.labels, leading) for name, found in measures.items() if name in shown
    }
    return _stacked("labels", "share of the spans", parts, leading)


def length_panels(measures: Mapping[str, Measures]) -> str:
    """Lengths in words of sentences and of spans, on either side, by language pair."""
    panels = (
        ("sentences, source", "source_words"),
        ("sentences, target", "target_words"),
        ("spans", "span_words"),
        ("answers", "answer_words"),
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots(2, 2)
        for at, (title, name) in zip(axes.flat, panels, strict=True):
            together: Counter[int] = Counter()
            for found in measures.values():
                together.update(getattr(found, name))
            end = max(3, quantile(together, _LONGEST) or 0)
            for found, style in _styled(measures):
                counts: Counter[int] = getattr(found, name)
                values = range(min(together), end + 1)
                shares = [counts[value] / counts.total() for value in values]
                at.plot(values, shares, marker="." if end < 15 else "", **style)
            at.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            _panel(at, title, "words")
        _legend(figure, measures)

    alt = "Lengths in words of sentences and spans by language pair"
    return draw("lengths", alt, (_WIDTH, 5.4), paint)


def score_panels(measures: Mapping[str, Measures]) -> str:
    """Scores of the spans by language pair, and how many spans a lowest score would keep."""
    edges = [number / SCORE_BINS for number in range(SCORE_BINS + 1)]

    def paint(figure: Figure) -> None:
        histogram, survivors = figure.subplots(1, 2)
        for found, style in _styled(measures):
            counts, total = found.scores, found.spans
            shares = [counts[number] / total for number in range(SCORE_BINS)]
            histogram.stairs(shares, edges, baseline=None, **style)
            survivors.plot(edges[:-1], shares_from(counts), **style)
        histogram.set_yscale("log")
        _panel(histogram, "spans by score", "score")
        _panel(survivors, "spans that a lowest score keeps", "lowest score")
        _legend(figure, measures)

    return draw("scores", "Scores of spans by language pair", (_WIDTH, 3.2), paint)


def _stacked(
    name: str, label: str, rows: Mapping[str, Mapping[str, int]], order: Sequence[str]
) -> str:
    """A bar for each row, cut into shares in this order."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        names = list(rows)[::-1]  # the first on top
        starts = [0.0] * len(names)
        for part, colour in zip(order, COLOURS, strict=False):
            widths = [rows[row].get(part, 0) / sum(rows[row].values()) for row in names]
            colour = QUIET if part == _OTHERS else colour
            axes.barh(names, widths, left=starts, color=colour, height=0.7, label=part)
            starts = [start + width for start, width in zip(starts, widths, strict=True)]
        axes.set(xlabel=label, xlim=(0, 1), ylim=(-0.6, len(names) - 0.4))
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        figure.legend(loc="outside upper left", ncols=_LEGEND_COLUMNS)

    height = 0.7 + 0.25 * math.ceil(len(order) / _LEGEND_COLUMNS) + 0.28 * len(rows)
    return draw(name, f"{label}: {', '.join(order)}", (_WIDTH, height), paint)


def _styled(measures: Mapping[str, Measures]) -> Iterator[tuple[Measures, dict[str, Any]]]:
    """Each language pair's measures and the style of its curve, the coloured ones in front."""
    coloured = _coloured(measures)
    for name, found in measures.items():
        if name not in coloured:
            yield found, {"color": QUIET, "linewidth": 0.8, "alpha": 0.6}
    for name, colour in coloured.items():
        yield measures[name], {"color": colour, "linewidth": 1.6}


def _coloured(measures: Mapping[str, Measures]) -> dict[str, str]:
    largest = sorted(measures, key=lambda name: -measures[name].spans)[:MOST_CURVES]
    return dict(zip(sorted(largest), COLOURS, strict=False))


def _panel(axes: Axes, title: str, label: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(label)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")


def _legend(figure: Figure, measures: Mapping[str, Measures]) -> None:
    handles = [Line2D([], [], color=c, label=name) for name, c in _coloured(measures).items()]
    if len(measures) > MOST_CURVES:
        handles.append(Line2D([], [], color=QUIET, label="each of the others"))
    figure.legend(handles=handles, loc="outside upper left", ncols=MOST_CURVES + 1)


def _leading(total: Mapping[str, int]) -> list[str]:
    """The commonest parts, and one for all the rest if there are more."""
    ordered = sorted(total, key=lambda part: (-total[part], part))
    return ordered if len(ordered) <= _MOST_PARTS else [*ordered[: _MOST_PARTS - 1], _OTHERS]


def _shortened(row: Mapping[str, int], leading: Sequence[str]) -> dict[str, int]:
    """The row with everything else as one part."""
    parts: Counter[str] = Counter()
    for part, number in row.items():
        parts[part if part in leading else _OTHERS] += number
    return dict(parts)
