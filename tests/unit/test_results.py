"""The figures that documents quote from evaluations are those of their tables."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVALUATIONS = ROOT / "results" / "evaluations"
NUMBER = r"[-+]?\d+\.\d"
SCORE = re.compile(rf"({NUMBER}) \(({NUMBER}) to ({NUMBER})[,)]")
ROW = re.compile(
    r"^\| (?P<what>entities|answers)?.*?\| (?P<size>128|512) \| (?P<figures>.*) \|$", re.M
)


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["counts"] == "True"]


def shown(*values: str, sign: str = "") -> tuple[str, ...]:
    return tuple(f"{float(value):{sign}.1f}" for value in values)


def known(name: str) -> set[tuple[str, ...]]:
    """Scores and differences with intervals, as they are written, of evaluations so called."""
    found = set()
    for table in EVALUATIONS.glob(f"{name}*/table*.csv"):
        for row in rows(table):
            found.add(shown(row["value"], row["low"], row["high"]))
            if row["difference"]:
                ends = row["difference"], row["diff_low"], row["diff_high"]
                found.add(shown(*ends, sign="+"))
    return found


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("## Names, from few English examples", "few-shot-ner"),
        ("## Answers, from few English questions", "few-shot-qa"),
    ],
)
def test_scores_and_differences_of_the_results_are_those_of_their_tables(
    heading: str, name: str
) -> None:
    text = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    section = text.partition(heading)[2].partition("\n## ")[0]
    quoted = {match.groups() for match in SCORE.finditer(section)}
    assert len(quoted) > 20
    assert quoted <= known(name)


def test_the_readme_quotes_averages_of_the_tables() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("Does it help?")[2]
    table = text.partition("\n## ")[0]
    found = [(match["what"], match["size"], match["figures"]) for match in ROW.finditer(table)]
    sets = {
        "entities": ("few-shot-ner", "pud", "f1"),
        "answers": ("few-shot-qa", "xquad", "mlqa_f1"),
    }
    expected = []
    for what, (name, test, metric) in sets.items():
        for size in ("128", "512"):
            where = {"test": test, "metric": metric, "size": size, "column": "average"}
            scores, differences = {}, []
            for table_of in ("table-to-start.csv", "table.csv"):
                for row in rows(EVALUATIONS / name / table_of):
                    if where.items() <= row.items():
                        scores[row["model"]] = shown(row["value"])[0]
                        if row["model"] == "clism-cacr":
                            ends = shown(row["diff_low"], row["diff_high"])
                            (value,) = shown(row["difference"], sign="+")
                            differences.append(f"{value} ({ends[0]} to {ends[1]})")
            models = [scores[model] for model in ("start", "mlm-only", "clism-cacr")]
            first = what if size == "128" else None
            expected.append((first, size, " | ".join([*models, *differences])))
    assert found == expected


CELL = re.compile(r"(\d+\.\d) \[(\d+\.\d), (\d+\.\d)\]")
METHODS = {"systran": "systran", "eflomal": "eflomal", "neural": "neural", "same encoder": "neural"}


def cells(text: str) -> list[list[str]]:
    """The rows of a table that begins a text, without its two rows of headings."""
    lines = [line for line in text.strip().partition("\n\n")[0].splitlines() if line[0] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def scored(table: str) -> dict[tuple[str, str], list[str]]:
    """(gold, method) -> AER, and of names precision, recall, F1, shown right; milliseconds a pair.

    As the README writes them: without tenths in intervals, and 100 without one.
    """
    text = (ROOT / "results" / table).read_text(encoding="utf-8").partition("\n\n| gold")[2]
    found = {}
    for gold, method, _, *values in cells("| gold" + text):
        if gold == "en-fr" or gold.startswith("en-hi"):
            kept = [values[column] for column in (0, 3, 4, 5, 6)]
            short = [
                CELL.sub(lambda m: f"{m[1]} [{float(m[2]):.0f}, {float(m[3]):.0f}]", v)
                for v in kept
            ]
            found[gold[:5], method] = [v.replace("100.0 [100, 100]", "100") for v in short]
    costs = text.partition("## Cost")[2].partition("\n\n")[2]
    for gold, method, *values in cells(costs):
        if (gold, method) in found:
            found[gold, method].append(f"{float(values[3]):.1f}")
    return found


@pytest.mark.parametrize(
    ("heading", "table", "columns"),
    [
        ("fitted with 79,000 other pairs", "alignment-all-pairs.md", (0, 1, 2, 3, 4)),
        ("All three in one run", "alignment.md", (0, 1, 2, 5)),
    ],
)
def test_the_readme_quotes_scores_of_the_aligners_tables(
    heading: str, table: str, columns: tuple[int, ...]
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(heading)[2]
    known = scored(table)
    gold = "en-fr"
    rows = cells("|" + text.partition("\n\n|")[2])
    assert len(rows) in (2, 6)
    for row in rows:
        gold = "en-hi" if row[0] == "Hindi" else gold
        name, *quoted = [cell for cell in row if cell not in ("", "French", "Hindi")]
        method = next(METHODS[part] for part in METHODS if part in name)
        assert quoted == [known[gold, method][column] for column in columns]
