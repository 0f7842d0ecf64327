"""The page of an evaluation: tables and curves, also in a browser, and the job that writes it."""

import csv
import json
from pathlib import Path

import pytest

from clism_ray.report.evaluation.report import load_evaluation, write_evaluation
from jobs.report import main
from tests.evaluations import answers, build, config, entities
from tests.stack.test_pages import Outline, check_svg, texts
from tests.stack.test_report import DARK, WHITE, visit

TESTS = {
    "xquad": {"path": "x.{language}", "languages": ["en", "de"], "shown": ["hi"]},
    "mlqa": {
        "path": "m.{language}.{question_language}",
        "languages": ["en", "de"],
        "question_languages": ["en", "de"],
    },
}


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on three sizes and two samples, one cell of which is missing."""
    folder = tmp_path_factory.mktemp("storage")
    made = config(tests=TESTS, sizes=[64, 128, None], samples=[1, 2])
    build(folder, made, answers({"ours": 4.0}), lambda p: (p.size, p.sample) == (128, 2))
    return folder


@pytest.fixture(scope="module")
def page(storage: Path) -> Path:
    files = write_evaluation(load_evaluation(storage / "evaluations" / "few"), storage / "report")
    names = ["page.html", "table.csv", "table.json", "curve-xquad.svg", "curve-mlqa.svg"]
    assert [path.name for path in files] == names
    assert all(path.parent == storage / "report" for path in files)
    return files[0]


def rows_of(page: Path, first: str) -> list[list[str]]:
    return [row for row in Outline(page.read_text()).rows if row and row[0] == first]


def test_tables_stand_as_in_the_paper_with_its_figures_beside_ours(page: Path) -> None:
    rows = Outline(page.read_text()).rows
    assert ["model", "64 examples", "128 examples", "all examples"] in rows
    head = ["model", "form", "en", "de", "average", "difference to base", "p", "hi (shown)"]
    assert rows.count(head) == 6  # of three sizes, by MLQA's rules and by SQuAD's script
    ours = dict(zip(head, rows[rows.index(head) + 2], strict=True))
    assert (ours["model"], ours["form"]) == ("ours", "question")
    f1, exact = map(float, ours["average"].split(" / "))
    assert 45 < f1 < 60
    assert exact == pytest.approx((f1 - 1) / 2 + 1, abs=0.1)  # MLQA's are one more
    assert ours["difference to base"].startswith("+")
    assert ["XLM-R base, published", "8 / 2", "12 / 4", "73.54 / 57.55"] in rows
    ablation = rows_of(page, "without CLISM, published")
    assert ablation == [["without CLISM, published", "", "", "74.34", "", "", ""]]


def test_the_matrix_has_passages_as_rows_and_questions_as_columns(
    storage: Path, page: Path
) -> None:
    rows = Outline(page.read_text()).rows
    at = rows.index(["passage", "en", "de"])
    line = load_evaluation(storage / "evaluations" / "few").headline("mlqa")[0].line("base")
    assert line is not None
    values = {column: f"{score.value:.1f}" for column, score in line.scores.items()}
    assert rows[at + 1 : at + 3] == [
        ["en", values["en-en"], values["en-de"]],
        ["de", values["de-en"], values["de-de"]],
    ]


def test_the_page_says_what_is_missing_and_what_it_was_made_from(page: Path) -> None:
    text = Outline(page.read_text()).text
    for told in (
        "10 of 12 cells are finished; missing: base.question.128.2, ours.question.128.2.",
        "With 128 examples, 1 of 2 samples are compared",
        "hi (34% of tokens unknown, 1.5 to a word)",
        "The paper's averages contradict its own rows",
        "answers_moved 1, answers_unplaced 0, windows 74",
        "questions_cut",
        "5.0 minutes in all, 30 seconds each on average",
        "resamples: 300",
        "7777777777777777",
    ):
        assert told in text
    assert rows_of(page, "64")[0][:6] == ["64", "1", "train.json", "7" * 16, "64", "64-1"]


def test_the_curve_has_a_line_for_each_model_at_the_number_of_examples(page: Path) -> None:
    svg = (page.parent / "curve-xquad.svg").read_text()
    check_svg(svg, "curve-xquad")
    assert {
        "training examples",
        "F1 by MLQA's rules on xquad",
        "ours",
        "base",
        "64",
        "128",
        "5,000",
    } <= {*texts(svg)}
    assert svg in page.read_text()


def test_a_page_of_entities_needs_no_curve_and_no_paper(tmp_path: Path) -> None:
    tests = {"pud": {"path": "p.{language}", "languages": ["de", "pt"]}}
    folder = build(tmp_path, config(ner=True, tests=tests), entities({"base": 0.5, "ours": 0.6}))
    files = write_evaluation(load_evaluation(folder), tmp_path)
    outline = Outline(files[0].read_text())
    assert len(files) == 3
    assert "svg" not in outline.tags
    assert "published" not in outline.text
    assert "pud, F1 of PER, 64 examples" in outline.text


def test_an_evaluation_that_just_began_has_a_page(tmp_path: Path) -> None:
    found = load_evaluation(build(tmp_path, config(), answers({}), lambda p: True))
    text = Outline(write_evaluation(found, tmp_path)[0].read_text()).text
    assert "Nothing can be compared yet: 0 of 4 cells are finished" in text


def test_the_job_prints_the_headline_and_writes_page_and_tables(
    storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluation", "few", "--storage", str(storage)]) == 0
    said = capsys.readouterr().out
    folder = storage / "reports" / "few"
    assert "xquad: average of en and de" in said
    assert f"page: {folder / 'page.html'}" in said
    rows = list(csv.DictReader((folder / "table.csv").read_text().splitlines()))
    assert len(rows) == len(json.loads((folder / "table.json").read_text())["rows"]) > 100


def test_the_job_names_the_evaluations_that_are_there(
    storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluation", "new", "--storage", str(storage)]) == 2
    assert "no evaluation is called 'new'" in capsys.readouterr().err


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (400, True)])
def test_the_page_shows_on_any_width_in_light_and_dark(page: Path, width: int, dark: bool) -> None:
    seen = visit(page, width, dark)
    assert len(seen["figures"]) == 2
    assert all(w >= 300 and h >= 100 for w, h in seen["figures"])
    assert seen["letters"] > 50
    assert seen["page"] <= seen["window"] <= width
    assert (seen["paper"], seen["card"]) == (DARK if dark else WHITE, WHITE)
