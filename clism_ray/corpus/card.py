"""The data card: what went into a prepared corpus, what was kept, and why the rest was not."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clism_ray.corpus.build import SpanCounts
from clism_ray.corpus.intake import Counts
from clism_ray.corpus.pieces import whole
from clism_ray.errors import InputError

CARD, CARD_HTML = "data_card.json", "data_card.html"
Table = dict[str, dict[str, int]]  # row -> outcome -> number

_KEPT = ("train", "dev")


class InputFile(NamedTuple):
    """A file that was read."""

    corpus: str
    file: str  # its name; see `files.file_names`
    bytes: int
    sha256: str


def make_card(
    counts: Counts,
    span_counts: SpanCounts,
    licences: Mapping[str, str],
    inputs: Iterable[InputFile],
    copies: Mapping[str, int],
) -> dict[str, Any]:
    """The card as plain values. Raises RuntimeError if any row's counts do not add up.

    Copies, of each language pair, are rows beside those that its row of the table keeps.
    """
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
        "copies": dict(sorted(copies.items())),
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
    """Write data_card.json."""
    text = json.dumps(card, indent=1, ensure_ascii=False)
    with whole(folder / CARD) as part:
        part.write_text(text + "\n", encoding="utf-8")


def write_page(folder: Path, page: str) -> None:
    """Write data_card.html."""
    with whole(folder / CARD_HTML) as part:
        part.write_text(page, encoding="utf-8")


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a prepared corpus; InputError if it is missing or damaged."""
    path = folder / CARD
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("pairs", "pairs_by_corpus", "spans", "licences", "inputs", "made_of"):
            card[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not the data card of a prepared corpus ({error}); restore the file, or "
            "prepare the corpus again"
        ) from error
    return card


def _add(table: Table, row: str, outcome: str, number: int) -> None:
    outcomes = table.setdefault(row, {})
    outcomes[outcome] = outcomes.get(outcome, 0) + number
