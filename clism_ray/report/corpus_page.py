"""The data card of a prepared corpus as a page. Its bytes depend on the corpus alone."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clism_ray.corpus.card import CARD_HTML, kept, reasons
from clism_ray.corpus.choice import Pointed
from clism_ray.corpus.manifest import Manifest, read_manifest
from clism_ray.report import corpus_charts as charts
from clism_ray.report import corpus_tables as tables
from clism_ray.report.corpus_content import Content, gather
from clism_ray.report.page import (
    Cell,
    Html,
    cards,
    command,
    figure,
    folded,
    page,
    paragraph,
    passage,
    save,
    section,
    table,
)


def report_corpus(folder: Path, path: Path | None) -> None:
    """Write the page, beside the corpus by default, and print how much there is and where."""
    content = gather(folder, read_manifest(folder))
    print(headline(content))
    print(f"page: {save(path or folder / CARD_HTML, render(content))}")


def draw(folder: Path, manifest: Manifest) -> str:
    """The page of a corpus that has its rows and its card."""
    return render(gather(folder, manifest))


def render(content: Content) -> str:
    """The whole page."""
    parts = [
        paragraph(headline(content)),
        _pairs(content),
        *_dropped_lines(content),
        *_evaluations(content),
        _spans(content),
        _lengths(content),
        _scores(content),
        _frequent(content),
        _examples(content.examples),
        _provenance(content),
    ]
    return page("Data card", parts)


def headline(content: Content) -> str:
    """How much there is, in words."""
    rows = content.card["pairs"].values()
    taken, held = sum(row["in"] for row in rows), sum(map(kept, rows))
    dev = sum(row.get("dev", 0) for row in rows)
    spans = sum(row["kept"] for row in content.card["spans"].values())
    languages = len(content.manifest.language_pairs)
    return (
        f"{held:,} of {taken:,} sentence pairs are in this corpus ({held / taken:.1%}), {dev:,} of "
        f"them held out for validation: {languages} language pair{'s' * (languages > 1)}, "
        f"{spans:,} spans."
    )


def _pairs(content: Content) -> Html:
    by_pair, by_corpus = content.card["pairs"], content.card["pairs_by_corpus"]
    caption = "What became of the pairs of each language pair and corpus"
    if len(by_corpus) > charts.MOST_BARS:
        caption += f"; the {charts.MOST_BARS} largest of {len(by_corpus)}"
    note, copies = (
        "Each row adds up: in = train + dev + every reason for dropping.",
        _copies(content),
    )
    if copies:
        note += " Copies are rows of train that repeat others, so that small languages count more."
    parts = [
        figure(charts.dropped_bars(by_corpus), f"{caption}."),
        paragraph(note, soft=True),
        tables.pair_counts(["language pair"], by_pair, copies),
    ]
    if len(by_corpus) > len(by_pair):
        parts += [paragraph("The same by corpus:", soft=True)]
        parts += [tables.pair_counts(["language pair", "corpus"], by_corpus, {})]
    counts = (by_pair, content.card["spans"])
    return section(
        "Sentence pairs", *parts, folded("What the reasons mean", tables.meanings(counts))
    )


def _dropped_lines(content: Content) -> list[Html]:
    by_reason: dict[str, list[Mapping[str, Any]]] = {}
    for line in content.samples:
        by_reason.setdefault(line["reason"], []).append(line)
    if not by_reason:
        return []
    total: Counter[str] = Counter()
    for row in content.card["pairs"].values():
        total.update(reasons(row))
    note = "A few of the lines that were dropped, by reason; long texts are cut off."
    shown = [
        folded(f"{reason}: {total[reason]:,}", tables.dropped_lines(by_reason[reason]))
        for reason in sorted(by_reason, key=lambda reason: (-total[reason], reason))
    ]
    return [section("Dropped lines", paragraph(note, soft=True), *shown)]


def _evaluations(content: Content) -> list[Html]:
    report = content.card.get("contamination", {})
    if not report:
        return []
    note = (
        "Pairs that share a run of words with a text of these files were dropped. A pair may "
        "share one with several files."
    )
    shown = [
        folded(f"{name}: examples", tables.contaminated_pairs(found["examples"]))
        for name, found in report.items()
        if found["examples"]
    ]
    parts = [paragraph(note, soft=True), tables.evaluation_files(report), *shown]
    return [section("Evaluation sets", *parts)]


def _spans(content: Content) -> Html:
    note = (
        "Spans that were found in the sources of usable pairs, and what became of them: "
        "in = kept + every reason for dropping."
    )
    return section(
        "Spans",
        paragraph(note, soft=True),
        tables.span_counts(content.card["spans"]),
        figure(charts.label_bars(content.measures), f"Labels of the spans. {_basis(content)}"),
        tables.labels(content.measures),
    )


def _lengths(content: Content) -> Html:
    caption = (
        "Lengths in words. In scripts without spaces, as many characters as make up a word on "
        f"average count as one. {_basis(content)}"
    )
    note = "In words: of 5 %, of half and of 95 % of the texts no more than this."
    return section(
        "Lengths",
        figure(charts.length_panels(content.measures), caption),
        paragraph(note, soft=True),
        tables.lengths(content.measures),
    )


def _scores(content: Content) -> Html:
    caption = (
        "How far the projection of spans can be trusted, from 0 to 1; left on a logarithmic scale. "
        "Right: what a lowest score, which training may set without preparing again, would leave. "
        + _basis(content)
    )
    return section(
        "Alignment scores",
        figure(charts.score_panels(content.measures), caption),
        tables.scores(content.measures),
    )


def _frequent(content: Content) -> Html:
    note = (
        f"The {tables.FREQUENT} commonest of each language pair, with the answer that was found "
        f"for them most often. {_basis(content)}"
    )
    shown = [folded(name, tables.frequent(found)) for name, found in content.measures.items()]
    return section("Frequent spans", paragraph(note, soft=True), *shown)


def _examples(examples: Sequence[Pointed]) -> Html:
    note = "The span is the question, the answer in the target what the model learns to point at."
    boxes = [
        [
            paragraph(" · ".join(example.described()), soft=True),
            passage(*example.source, example.pair.source_language),
            passage(*example.target, example.pair.target_language),
        ]
        for example in examples
    ]
    return section(f"{len(examples)} random examples", paragraph(note, soft=True), cards(boxes))


def _provenance(content: Content) -> Html:
    card, manifest = content.card, content.manifest
    rows: list[list[Cell]] = [
        ["content", manifest.content_hash],
    ]
    rows += [[f"alignment tables {name}", digest] for name, digest in manifest.tables.items()]
    settings = json.dumps(card.get("made_of", {}), indent=1, ensure_ascii=False)
    return section(
        "Where it comes from",
        tables.input_files(card),
        paragraph("Hashes of what was made (SHA-256):", soft=True),
        table(["", ""], rows),
        folded("Settings", command(settings)),
    )


def _copies(content: Content) -> dict[str, int]:
    """Rows that repeat others, by language pair; none where none are repeated."""
    copies = content.card.get("copies", {})
    return dict(copies) if any(copies.values()) else {}


def _basis(content: Content) -> str:
    """What a figure is based on."""
    splits = (*content.manifest.train, *content.manifest.dev)
    rows = sum(sum(shard.rows_per_group) for shard in splits)
    measured = sum(found.pairs for found in content.measures.values())
    copies = ", copies among them" if _copies(content) else ""
    if measured == rows:
        return f"Of all {rows:,} pairs of the corpus{copies}."
    return f"Of {measured:,} of its {rows:,} pairs{copies}: runs of rows spread evenly over it."
