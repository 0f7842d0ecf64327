"""Figures as SVG text that stands inside a page: nothing external, the same for the same data."""

import io
import re
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from clism_ray.report.results import Curve

# Okabe & Ito's colours, which the colour-blind tell apart; without yellow, too pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
ACCENT, QUIET = "#D55E00", "#8a8a8a"

_POINTS = 300  # of a curve; more are not told apart in print
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "svg.fonttype": "path",  # looks the same whatever fonts the reader has
    "text.parse_math": False,  # a $ in a name is a $
}
_METADATA = ("Date", "Creator", "Format", "Type")


def draw(name: str, alt: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> str:
    """The SVG of a figure of `size` inches.

    `name` keeps its ids apart from those of other figures in a page; `alt` says what it shows.
    """
    file = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box in its place
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(_METADATA))
    text = file.getvalue()
    text = text[text.index("<svg") :]  # without prolog and document type
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    label = re.sub('[<>&"]', lambda match: f"&#{ord(match[0])};", alt)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def thinned(curve: Curve) -> Curve:
    """A curve of at most `_POINTS` points: both ends, and means of neighbours between them."""
    if len(curve) <= _POINTS:
        return curve
    inner, parts = curve[1:-1], _POINTS - 2
    edges = [round(i * len(inner) / parts) for i in range(parts + 1)]
    middle = []
    for low, high in pairwise(edges):
        steps, values = zip(*inner[low:high], strict=True)
        middle.append((steps[len(steps) // 2], sum(values) / len(values)))
    return (curve[0], *middle, curve[-1])
