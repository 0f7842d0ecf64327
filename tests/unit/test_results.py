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


@pytest.mark.parametrize(
    ("heading", "table"),
    [("fitted with 79,000 other pairs", "alignment-all-pairs.md"), ("All three", "alignment.md")],
)
def test_the_readme_quotes_scores_of_the_aligners_tables(heading: str, table: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(heading)[2]
    quoted = {
        (value, low, high)
        for line in text.partition("\n\n|")[2].partition("\n\n")[0].splitlines()
        for value, low, high in re.findall(r"(\d+\.\d) \[(\d+), (\d+)\]", line)
    }
    found = {
        (value, f"{float(low):.0f}", f"{float(high):.0f}")
        for value, low, high in re.findall(
            r"(\d+\.\d) \[(\d+\.\d), (\d+\.\d)\]",
            (ROOT / "results" / table).read_text(encoding="utf-8"),
        )
    }
    assert len(quoted) >= 8
    assert quoted <= found
