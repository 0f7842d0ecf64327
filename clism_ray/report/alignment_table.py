"""The scores of aligners as JSON and as Markdown."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config import to_tree
from clism_ray.config_alignment import ScoreAlignersConfig
from clism_ray.places import made_folder
from clism_ray.report.alignment import METRICS, Row

_HEADINGS = {
    "aer": "AER",
    "link_precision": "links P",
    "link_recall": "links R",
    "names_precision": "names P",
    "names_recall": "names R",
    "names_f1": "names F1",
    "names_shown_right": "names, shown right",
    "ngrams_precision": "n-grams P",
    "ngrams_recall": "n-grams R",
    "ngrams_f1": "n-grams F1",
}
_NOTES = """\
AER, P and R of links: on the gold's own tokens. Names: names and numbers, in synthetic text the
known spans; n-grams: drawn at random. A projected span is right if it has the very characters of
the gold counterpart, which runs from the first to the last token with a sure link to the span. P, R
and F1 are over the spans whose counterpart the gold decides: it is contiguous, and no token of the
span has possible links alone that lead out of it. "Shown right" is the share of all answers,
those to spans that the gold leaves open included, that the gold shows to be right.
"""
_COST_NOTES = """\
Processor time of all threads. Fit: once for a corpus, with the links of its sample counted; an
encoder is not fitted, words are counted. Whole corpus: every pair fitted on and linked once, as in
a corpus of up to `alignment.fit_pairs` pairs; of a larger one, more than that is linked only.
"""


def write(config: ScoreAlignersConfig, rows: Sequence[Row]) -> tuple[Path, Path]:
    """Write `alignment.json` and `alignment.md` into the output folder; their paths."""
    folder = made_folder(config.output)
    values = {"config": to_tree(config), "rows": [_values(row) for row in rows]}
    text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
    paths = folder / "alignment.json", folder / "alignment.md"
    for path, content in zip(paths, (text, to_markdown(rows, config.confidence)), strict=True):
        path.write_text(content, encoding="utf-8")
    return paths


def to_markdown(rows: Sequence[Row], confidence: float) -> str:
    """A table of all metrics, and one of names by the least score that is asked for."""
    headings = ["gold", "aligner", "sentences", *(_HEADINGS[m] for m in METRICS), "spans"]
    body = [
        [
            _name(row),
            row.method,
            f"{row.sentences:,}" + (f", {row.unread:,} too long" if row.unread else ""),
            *(
                f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
                for value, low, high in (row.estimates[metric] for metric in METRICS)
            ),
            f"{row.names:,} + {row.ngrams:,}",
        ]
        for row in rows
    ]
    points = [f"score ≥ {point.min_score:g}" for point in rows[0].curve]
    curves = [
        [
            _name(row),
            row.method,
            *(f"{100 * p.precision:.1f} / {100 * p.recall:.1f}" for p in row.curve),
        ]
        for row in rows
    ]
    return (
        f"# Word aligners against gold links\n\nPer cent, with {100 * confidence:g} % intervals "
        f"over sentences.\n\n{_table(headings, body)}\n{_NOTES}\n"
        "## Names: precision / recall if projections of less trust are left out\n\n"
        f"{_table(['gold', 'aligner', *points], curves)}\n"
        f"## Cost: milliseconds a pair\n\n{_cost(rows)}\n{_COST_NOTES}"
    )


def _cost(rows: Sequence[Row]) -> str:
    """One line for each gold set and aligner."""
    headings = "gold | aligner | fit, CPU | link, CPU | link, passed | whole corpus, CPU | pairs"
    body = {
        (row.gold, row.method): [
            row.gold,
            row.method,
            *(f"{ms:.2f}" for ms in (row.fit.cpu_ms, row.link.cpu_ms, row.link.wall_ms)),
            f"{row.fit.cpu_ms + row.link.cpu_ms:.2f}",
            f"{row.fit.pairs:,} fitted, {row.link.pairs:,} linked",
        ]
        for row in rows
    }
    return _table(headings.split(" | "), list(body.values()))


def _name(row: Row) -> str:
    return f"{row.gold} (tuned on)" if row.tuned_on else row.gold


def _values(row: Row) -> dict[str, object]:
    estimates = {metric: estimate._asdict() for metric, estimate in row.estimates.items()}
    kept = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    costs = {name: getattr(row, name)._asdict() for name in ("fit", "link")}
    curve = [point._asdict() for point in row.curve]
    return {**kept, **costs, "estimates": estimates, "curve": curve}


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
