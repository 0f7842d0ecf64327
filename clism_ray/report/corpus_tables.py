"""Tables of a prepared corpus: counts, lengths, scores, frequent spans, dropped lines, files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clism_ray.corpus.card import kept, reasons
from clism_ray.corpus.measures import SCORE_BINS, Measures, quantile, shares_from
from clism_ray.report.page import Cell, Html, cards, paragraph, passage, table
from clism_ray.report.reasons import MEANING
from clism_ray.report.visible import visible

FREQUENT = 15  # spans of a language pair
_SHARES = (0.05, 0.5, 0.95)
_LOWEST = (0.5, 0.75, 0.9)  # scores

Counts = Mapping[str, Mapping[str, int]]


def pair_counts(head: Sequence[str], counts: Counts, copies: Mapping[str, int]) -> Html:
    """Pairs in, kept and dropped by reason, and copies of rows where there are any.

    Rows are called by as many words as `head` has.
    """
    order = _by_total(reasons(row) for row in counts.values())
    rows: list[list[Cell]] = []
    for name, row in counts.items():
        cells: list[Cell] = [*name.split(" ", len(head) - 1), row["in"], row["train"], row["dev"]]
        cells.append(_percent(kept(row), row["in"]))
        cells += [row.get(reason) for reason in order]
        rows.append([*cells, *([copies.get(name)] if copies else [])])
    more = ["copies"] if copies else []
    return table([*head, "in", "train", "dev", "kept, %", *order, *more], rows)


def span_counts(counts: Counts) -> Html:
    """Spans in, kept and dropped by reason, of every language pair."""
    order = _by_total(reasons(row) for row in counts.values())
    rows: list[list[Cell]] = [
        [
            *(name, row["in"], row["kept"], _percent(row["kept"], row["in"])),
            *(row.get(reason) for reason in order),
        ]
        for name, row in counts.items()
    ]
    return table(["language pair", "in", "kept", "kept, %", *order], rows)


def meanings(counts: Iterable[Counts]) -> Html:
    """What the reasons mean for which anything was dropped."""
    met = {reason for table in counts for row in table.values() for reason in reasons(row)}
    rows: list[list[Cell]] = [[reason, text] for reason, text in MEANING.items() if reason in met]
    return table(["reason", "meaning"], rows)


def labels(measures: Mapping[str, Measures]) -> Html:
    """Spans of every label, of the pairs that were measured."""
    order = _by_total(found.labels for found in measures.values())
    rows: list[list[Cell]] = [
        [name, found.pairs, found.spans, *(found.labels.get(label) for label in order)]
        for name, found in measures.items()
    ]
    return table(["language pair", "pairs", "spans", *order], rows)


def lengths(measures: Mapping[str, Measures]) -> Html:
    """Low, middle and high lengths in words of sentences and spans."""
    head = ["language pair", "source", "target", "spans", "answers", "spans a pair"]
    rows: list[list[Cell]] = []
    for name, found in measures.items():
        counted = (found.source_words, found.target_words, found.span_words, found.answer_words)
        rows.append([name, *map(_quantiles, counted), round(found.spans / found.pairs, 2)])
    return table(head, rows)


def scores(measures: Mapping[str, Measures]) -> Html:
    """How many spans have a score of so much or more; confidence where any finder was unsure."""
    unsure = any(found.confidences[SCORE_BINS - 1] < found.spans for found in measures.values())
    names = ["score", "confidence"] if unsure else ["score"]
    head = ["language pair", "spans"]
    head += [f"{name} from {lowest:g}, %" for name in names for lowest in _LOWEST]
    rows: list[list[Cell]] = []
    for name, found in measures.items():
        shares = [shares_from(found.scores)] + [shares_from(found.confidences)] * unsure
        at = [round(lowest * SCORE_BINS) for lowest in _LOWEST]
        rows.append([name, found.spans, *(round(100 * s[n], 1) for s in shares for n in at)])
    return table(head, rows)


def frequent(found: Measures) -> Html:
    """The commonest spans, the answer that each has most often, and how many others it has."""
    answers: dict[str, Counter[str]] = {}
    for (span, answer), number in found.projections.items():
        answers.setdefault(span, Counter())[answer] = number
    commonest = sorted(answers, key=lambda span: (-answers[span].total(), span))[:FREQUENT]
    rows: list[list[Cell]] = []
    for span in commonest:
        counted = answers[span]
        first = min(counted, key=lambda answer: (-counted[answer], answer))
        share = _percent(counted[first], counted.total())
        rows.append([span, counted.total(), first, share, len(counted) - 1])
    return table(["span", "times", "its answer mostly", "%", "other answers"], rows)


def dropped_lines(lines: Iterable[Mapping[str, Any]]) -> Html:
    """Lines of dropped.jsonl; some have no texts."""
    return cards(_pair(line, line["language_pair"]) for line in lines)


def evaluation_files(report: Mapping[str, Mapping[str, Any]]) -> Html:
    """What of each evaluation file was found in the input, and dropped."""
    rows: list[list[Cell]] = [
        [
            *(name, found["format"], found["texts"], found["texts_hit"]),
            *(_percent(found["texts_hit"], found["texts"]), found["pairs_dropped"]),
        ]
        for name, found in report.items()
    ]
    return table(["file", "form", "texts", "found", "%", "pairs dropped"], rows)


def contaminated_pairs(pairs: Iterable[Mapping[str, Any]]) -> Html:
    """Pairs that share words with a text of an evaluation file."""
    return cards(
        [*_pair(pair), paragraph(f"In common: {visible(pair['shared'])}", soft=True)]
        for pair in pairs
    )


def input_files(card: Mapping[str, Any]) -> Html:
    """Every file that was read."""
    rows: list[list[Cell]] = [
        [
            file["corpus"],
            file["file"],
            card["licences"].get(file["corpus"]),
            file["bytes"],
            file["sha256"],
        ]
        for file in card["inputs"]
    ]
    return table(["corpus", "file", "licence", "bytes", "sha256"], rows)


def _by_total(counts: Iterable[Mapping[str, int]]) -> list[str]:
    total: Counter[str] = Counter()
    for row in counts:
        total.update(row)
    return sorted(total, key=lambda name: (-total[name], name))


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _quantiles(counts: Counter[int]) -> str:
    return " · ".join(str(quantile(counts, share)) for share in _SHARES)


def _pair(line: Mapping[str, Any], *about: str) -> list[Html]:
    """Where a pair stands, and its texts."""
    heading = " · ".join([*about, f"{line['corpus']} {line['file']}:{line['line']}"])
    texts = [line[side] for side in ("source", "target") if line[side] is not None]
    return [paragraph(heading, soft=True), *(passage(visible(text)) for text in texts)]
