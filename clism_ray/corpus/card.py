"""The data card: what went into a prepared corpus, what was kept, and why the rest was not."""

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clism_ray.corpus.build import SpanCounts
from clism_ray.corpus.intake import Counts

CARD, CARD_HTML = "data_card.json", "data_card.html"
Table = dict[str, dict[str, int]]  # row -> outcome -> number

_KEPT = ("train", "dev")

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       color: #1a1a1a; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
div { overflow-x: auto }
"""


class InputFile(NamedTuple):
    """A file that was read."""

    corpus: str
    file: str  # its name, without folders
    bytes: int
    sha256: str


def make_card(
    counts: Counts,
    span_counts: SpanCounts,
    licences: Mapping[str, str],
    inputs: Iterable[InputFile],
) -> dict[str, Any]:
    """The card as plain values. Raises RuntimeError if any row's counts do not add up."""
    pairs: Table = {}
    corpora: Table = {}
    spans: Table = {}
    for (language_pair, corpus, outcome), number in sorted(counts.items()):
        _add(pairs, language_pair, outcome, number)
        _add(corpora, f"{language_pair} {corpus}", outcome, number)
    for (language_pair, outcome), number in sorted(span_counts.items()):
        _add(spans, language_pair, outcome, number)
    for table, kept in ((pairs, _KEPT), (corpora, _KEPT), (spans, ("kept",))):
        for name, row in table.items():
            for outcome in ("in", *kept):
                row.setdefault(outcome, 0)
            check_sum(name, row)
    return {
        "pairs": pairs,
        "pairs_by_corpus": corpora,
        "spans": spans,
        "licences": dict(sorted(licences.items())),
        "inputs": [entry._asdict() for entry in inputs],
    }


def check_sum(name: str, row: Mapping[str, int]) -> None:
    """Fail if what came in is not what was kept plus what was dropped, reason by reason."""
    out = sum(number for outcome, number in row.items() if outcome != "in")
    if row["in"] != out:
        raise RuntimeError(
            f"the counts of {name} do not add up: {row['in']} came in, {out} went out: {dict(row)}"
        )


def kept(row: Mapping[str, int]) -> int:
    """How many pairs of a row are in the corpus."""
    return sum(row.get(outcome, 0) for outcome in _KEPT)


def reasons(row: Mapping[str, int]) -> dict[str, int]:
    """The drop reasons of a row, commonest first."""
    dropped = {k: n for k, n in row.items() if k not in ("in", "kept", *_KEPT)}
    return dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0])))


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write data_card.json and data_card.html."""
    text = json.dumps(card, indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_HTML).write_text(to_html(card), encoding="utf-8")


def to_html(card: Mapping[str, Any]) -> str:
    """The card as one page that needs no other file."""
    licences = {corpus: {"licence": licence} for corpus, licence in card["licences"].items()}
    inputs = {
        f"{entry['corpus']} {entry['file']}": {k: entry[k] for k in ("bytes", "sha256")}
        for entry in card["inputs"]
    }
    parts = [
        _table("Sentence pairs", card["pairs"]),
        _table("Sentence pairs by corpus", card["pairs_by_corpus"]),
        _table("Spans of the pairs that were aligned", card["spans"]),
        _table("Licences", licences),
        _table("Input files", inputs),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Data card</title>\n'
        f"<style>{_STYLE}</style>\n<h1>Data card</h1>\n"
        "<p>Each row adds up: in = kept (train, dev) + every drop reason.</p>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )


def _table(title: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    columns.sort(key=lambda name: ("in", "train", "dev", "kept", name).index(name))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *columns))
    body = "\n".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{_cell(row.get(column))}</td>" for column in columns)
        + "</tr>"
        for name, row in rows.items()
    )
    return f"<h2>{html.escape(title)}</h2>\n<div><table>\n<tr>{head}</tr>\n{body}\n</table></div>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else html.escape(str(value))


def _add(table: Table, row: str, outcome: str, number: int) -> None:
    outcomes = table.setdefault(row, {})
    outcomes[outcome] = outcomes.get(outcome, 0) + number
