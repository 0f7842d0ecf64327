"""The data card's page of a prepared corpus: what it says, in a browser, and the jobs."""

import html
import json
import os
import pty
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from clism_ray.corpus.card import CARD, CARD_HTML, InputFile, make_card, write_card
from clism_ray.corpus.manifest import Manifest
from clism_ray.corpus.measures import measure, sample
from clism_ray.corpus.samples import DROPPED
from clism_ray.masking.tokenizer import QUESTION
from clism_ray.records import AlignedPair, Origin, SpanPair
from clism_ray.report import corpus_charts, corpus_page
from clism_ray.report.corpus_content import random_examples
from jobs import preview as preview_job
from jobs.report import main as report
from tests.corpora import tiny_pair, write_corpus
from tests.stack.test_pages import HOSTILE, Outline, check_svg, texts
from tests.stack.test_report import DARK, ROOT, WHITE, visit

ROWS = 300
CITIES = (("Cairo", "القاهرة"), ("Rome", "روما"), ("Tokyo", "طوكيو"))


def arabic_pair(row_id: int) -> AlignedPair:
    city, answer = CITIES[row_id % len(CITIES)]
    source, target = f"Tom saw {city} in {row_id}.", f"رأى توم {answer} عام {row_id}."
    start, end = 8 + len(city) + 4, target.index(str(row_id))
    spans = (
        SpanPair(8, 8 + len(city), 8, 8 + len(answer), "name", 0.62),
        SpanPair(start, len(source) - 1, end, len(target) - 1, "number", 1.0, 0.5),
    )
    return AlignedPair(
        row_id, Origin("talks", "b.tsv", 1 + row_id), "en", "ar", source, target, spans
    )


def write_prepared(folder: Path, copies: dict[str, int] | None = None) -> Manifest:
    """A prepared corpus of three language pairs, with its card and dropped lines."""
    pairs = [arabic_pair(n) if n % 5 == 0 else tiny_pair(n) for n in range(ROWS)]
    train, dev = pairs[: ROWS - 20], pairs[ROWS - 20 :]
    counts: Counter[tuple[str, str, str]] = Counter()
    for split, rows in (("train", train), ("dev", dev)):
        for pair in rows:
            name = f"{pair.source_language}-{pair.target_language}"
            counts.update([(name, pair.origin.corpus, split), (name, pair.origin.corpus, "in")])
    counts.update({("en-ar", HOSTILE, "in"): 9, ("en-ar", HOSTILE, "no_span"): 9})
    counts.update({("en-de", "synthetic", "in"): 40, ("en-de", "synthetic", "too_long"): 40})
    spans = {("en-de", "in"): 10, ("en-de", "kept"): 7, ("en-de", "not_linked"): 3}
    files = [
        InputFile("talks", "b.tsv", 1234, "f00d" * 16),
        InputFile("synthetic", HOSTILE, 1, "0"),
    ]
    card = make_card(counts, Counter(spans), {"talks": "CC0-1.0"}, files, copies or {})
    manifest = write_corpus(folder, train, dev, shards=2, window_rows=50)
    hit = {"corpus": "talks", "file": "b.tsv", "line": 7, "source": f"we saw {HOSTILE}"}
    hit |= {"target": "رأينا", "shared": f"saw {HOSTILE}"}
    found = {"format": "squad", "texts": 8, "texts_hit": 2, "pairs_dropped": 1, "examples": [hit]}
    unhit = {"format": "uner", "texts": 5, "texts_hit": 0, "pairs_dropped": 0, "examples": []}
    sets = {"xquad.ar.json": found, "pud.iob2": unhit}
    write_card(folder, {**card, "contamination": sets, "made_of": {"seed": 1, "name": HOSTILE}})
    line = {"language_pair": "en-ar", "corpus": HOSTILE, "reason": "no_span", "file": "b.tsv"}
    lines = [
        {**line, "line": 3, "source": f"nul\0{HOSTILE}", "target": "لا شيء هنا"},
        {**line, "line": 4, "reason": "broken_utf8", "source": None, "target": None},
    ]
    (folder / DROPPED).write_text("".join(f"{json.dumps(entry)}\n" for entry in lines))
    return manifest


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("prepared")
    return folder, write_prepared(folder)


@pytest.fixture(scope="module")
def text(prepared: tuple[Path, Manifest]) -> str:
    return corpus_page.draw(*prepared)


def test_the_page_accounts_for_every_pair(text: str) -> None:
    outline = Outline(text)
    assert f"{ROWS} of {ROWS + 49} sentence pairs are in this corpus (86.0%), 20" in outline.text
    head = ["language pair", "corpus", "in", "train", "dev", "kept, %", "too_long", "no_span"]
    at = outline.rows.index(head)
    assert outline.rows[at + 1] == ["en-ar", HOSTILE, "9", "0", "0", "0", "", "9"]
    assert outline.rows[at + 2] == ["en-ar", "talks", "60", "56", "4", "100", "", ""]
    for row in outline.rows[at + 1 : at + 5]:
        taken, train, dev, _, *dropped = (float(cell or 0) for cell in row[2:])
        assert taken == train + dev + sum(dropped)
    assert ["en-de", "10", "7", "70", "3"] in outline.rows
    at = outline.rows.index(["reason", "meaning"])
    explained = [row[0] for row in outline.rows[at + 1 : at + 4]]
    assert explained == ["too_long", "no_span", "not_linked"]


def texts_under(text: str, title: str) -> list[list[str]]:
    """The paragraphs of each box under a fold."""
    (fold,) = re.findall(rf"<summary>{title}</summary>\n(.*?)</details>", text, re.DOTALL)
    boxes = re.findall("<article>(.*?)</article>", fold)
    return [[html.unescape(found) for found in re.findall("<p.*?>(.*?)</p>", b)] for b in boxes]


def test_dropped_lines_stand_under_their_reason_and_show_control_characters(text: str) -> None:
    assert texts_under(text, "no_span: 9") == [
        [f"en-ar · {HOSTILE} b.tsv:3", f"nul␀{HOSTILE}", "لا شيء هنا"]
    ]
    assert texts_under(text, "broken_utf8: 0") == [[f"en-ar · {HOSTILE} b.tsv:4"]]


def test_what_evaluation_sets_share_with_the_input_is_shown(text: str) -> None:
    rows = Outline(text).rows
    assert ["xquad.ar.json", "squad", "8", "2", "25", "1"] in rows
    assert ["pud.iob2", "uner", "5", "0", "0", "0"] in rows
    assert texts_under(text, "xquad.ar.json: examples") == [
        ["talks b.tsv:7", f"we saw {HOSTILE}", "رأينا", f"In common: saw {HOSTILE}"]
    ]
    assert "pud.iob2: examples" not in text


def test_lengths_scores_and_frequent_spans_are_those_of_the_rows(text: str) -> None:
    rows = Outline(text).rows
    found = measure(arabic_pair(n) for n in range(0, ROWS, 5))["en-ar"]
    assert ["en-ar", "6 · 6 · 6", "6 · 6 · 6", "1 · 1 · 1", "1 · 1 · 1", "2"] in rows
    assert found.spans == 120
    assert ["en-ar", "120", "100", "50", "50", "100", "50", "50"] in rows  # scores, confidences
    assert ["Cairo", "20", "القاهرة", "100", "0"] in rows
    assert f"Of all {ROWS} pairs of the corpus." in Outline(text).text


def test_twenty_examples_are_spread_over_language_pairs_with_their_answers_marked(
    prepared: tuple[Path, Manifest], text: str
) -> None:
    boxes = re.findall(r"<article>(.*?)</article>", text[text.index("20 random examples") :])
    assert len(boxes) == 20
    languages = Counter(re.findall(r'^<p class="soft">(\S+)', "\n".join(boxes), re.MULTILINE))
    assert sorted(languages.values()) == [6, 7, 7]
    for box in boxes:
        assert re.search(r'<p dir="auto" lang="en">.*?<mark>.+?</mark>', box)
        if "en-ar" in box:
            answer = re.search(r'<p dir="auto" lang="ar">رأى توم .*?<mark>(.+?)</mark>', box)
            assert answer
            assert answer[1] in dict(CITIES).values() or answer[1].isdecimal()
    few = random_examples(*prepared, sample(prepared[1]), number=2)
    assert len({example.pair.target_language for example in few}) == 2


def test_a_rare_language_pair_has_the_examples_that_there_are(tmp_path: Path) -> None:
    rare = arabic_pair(1)
    manifest = write_corpus(tmp_path, [rare, *(tiny_pair(n) for n in range(2, 60))])
    found = random_examples(tmp_path, manifest, sample(manifest), number=20)
    assert [example.pair.row_id for example in found].count(rare.row_id) == 1
    assert 1 + 20 - 7 <= len(found) <= 1 + 20 - 6  # its share is six or seven


def test_the_page_depends_on_the_corpus_alone(
    prepared: tuple[Path, Manifest], text: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "a copy"
    assert corpus_page.draw(elsewhere, write_prepared(elsewhere)) == text
    assert str(prepared[0]) not in text


def test_whatever_files_hold_is_text_on_the_page(text: str) -> None:
    outline = Outline(text)
    assert not {"script", "link", "img"} & {*outline.tags}
    assert outline.text.count('<script>alert("x")</script>') >= 5
    assert "\0" not in text
    assert ["talks", "b.tsv", "CC0-1.0", "1,234", "f00d" * 16] in outline.rows
    assert ["synthetic", HOSTILE, "", "1", "0"] in outline.rows


def test_copies_are_told_beside_the_sum(tmp_path: Path) -> None:
    rows = Outline(corpus_page.draw(tmp_path, write_prepared(tmp_path, {"en-ar": 77}))).rows
    (head,) = (row for row in rows if row[-1:] == ["copies"])
    assert [row[-1] for row in rows[rows.index(head) + 1 :][:3]] == ["77", "", ""]


def test_a_corpus_of_many_languages_has_figures_of_the_largest(
    prepared: tuple[Path, Manifest],
) -> None:
    one = measure(arabic_pair(n) for n in range(9))["en-ar"]
    many = {f"en-{n:02}": one for n in range(60)}
    for svg, name in (
        (corpus_charts.label_bars(many), "labels"),
        (corpus_charts.length_panels(many), "lengths"),
        (corpus_charts.score_panels(many), "scores"),
    ):
        check_svg(svg, name)
        assert ("each of the others" in texts(svg)) is (name != "labels")
        assert sum(text.startswith("en-") for text in texts(svg)) == (40 if name == "labels" else 6)
    reasons = {f"reason {n}": 20 - n for n in range(20)}
    bars = texts(corpus_charts.dropped_bars({"en-de a": {"in": 1000, "train": 790, **reasons}}))
    assert {"kept", "reason 0", "reason 4", "others"} <= {*bars}
    assert "reason 5" not in bars


# Jobs


def test_the_report_job_writes_the_page_again(
    prepared: tuple[Path, Manifest], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(["corpus", str(prepared[0]), "--output", str(tmp_path / "new" / "p.html")]) == 0
    assert (tmp_path / "new" / "p.html").read_text() == text
    assert f"page: {tmp_path / 'new' / 'p.html'}" in capsys.readouterr().out
    assert report(["corpus", str(prepared[0])]) == 0
    assert (prepared[0] / CARD_HTML).read_text() == text


def test_a_folder_without_a_corpus_or_a_card_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(["corpus", str(tmp_path)]) == 2
    assert "no prepared corpus" in capsys.readouterr().err
    assert preview_job.main([str(tmp_path)]) == 2
    assert "no prepared corpus" in capsys.readouterr().err
    write_prepared(tmp_path / "whole")
    for damage in ("{", "[]", '{"pairs": {}}'):
        (tmp_path / "whole" / CARD).write_text(damage)
        assert report(["corpus", str(tmp_path / "whole")]) == 2
        assert "not the data card of a prepared corpus" in capsys.readouterr().err


def test_the_preview_job_prints_plain_text_into_a_pipe(prepared: tuple[Path, Manifest]) -> None:
    command = [sys.executable, "jobs/preview.py", str(prepared[0]), "--language", "ar"]
    done = subprocess.run(
        [*command, "--label", "name", "--number", "3", "--min-score", "0.5"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    said = done.stdout.decode()
    assert said.count("en-ar · name · score 0.62 · talks b.tsv:") == 3
    assert said.count(f"  source  Tom saw {QUESTION} in ") == 3
    assert len(re.findall(r"  target  \u2067رأى توم \[\S+\] عام \d+\.\u2069\n", said)) == 3
    assert "\x1b" not in said


@pytest.mark.parametrize("plain", [False, True])
def test_the_preview_job_colours_a_terminal(prepared: tuple[Path, Manifest], plain: bool) -> None:
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "70"} | (
        {"NO_COLOR": "1"} if plain else {}
    )
    command = [sys.executable, "jobs/preview.py", str(prepared[0]), "--number", "1"]
    subprocess.run(command, cwd=ROOT, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "source" in said
    assert ("\x1b[" in said) is not plain


def test_the_preview_job_says_what_there_is(
    prepared: tuple[Path, Manifest], capsys: pytest.CaptureFixture[str]
) -> None:
    assert preview_job.main([str(prepared[0]), "--label", "PER", "--language", "en-ar"]) == 2
    error = capsys.readouterr().err
    assert "the label 'PER'; there are: name (56), number (56)" in error
    assert error.count("\n") == 1
    assert preview_job.main([str(prepared[0]), "--split", "dev", "--number", "99"]) == 0
    assert "these are all: 20 of the 99 asked for" in capsys.readouterr().err
    for wrong in (["--number", "0"], ["--seed", "-1"], ["--split", "test"]):
        with pytest.raises(SystemExit, match="2"):
            preview_job.main([str(prepared[0]), *wrong])


# In a browser

READ = """
document.querySelectorAll("details").forEach(fold => { fold.open = true });
const right = node => node.getBoundingClientRect().right;
const before = mark => {
  const range = document.createRange();
  range.setStartBefore(mark.parentNode.firstChild);
  range.setEndBefore(mark);
  return range.getBoundingClientRect().left;
};
const arabic = [...document.querySelectorAll("p[lang=ar]")];
return {
  directions: arabic.map(p => getComputedStyle(p).direction),
  answers: arabic.map(p => [before(p.querySelector("mark")), right(p.querySelector("mark"))]),
  source: getComputedStyle(document.querySelector("p[lang=en]")).direction,
  cells: [...document.querySelectorAll("td[dir=auto]")]
    .filter(cell => /^[\u0600-\u06ff]/.test(cell.textContent))
    .map(cell => getComputedStyle(cell).direction),
  page: document.documentElement.scrollWidth,
  window: window.innerWidth,
}
"""


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (400, True)])
def test_the_page_shows_on_any_width_in_light_and_dark(
    prepared: tuple[Path, Manifest], text: str, tmp_path: Path, width: int, dark: bool
) -> None:
    path = tmp_path / "page.html"
    path.write_text(text)
    seen = visit(path, width, dark)
    assert len(seen["figures"]) == 4
    assert all(w >= 300 and h >= 100 for w, h in seen["figures"])
    assert seen["letters"] > 100
    assert seen["page"] <= seen["window"] <= width
    assert (seen["paper"], seen["card"]) == (DARK if dark else WHITE, WHITE)


def test_arabic_runs_from_right_to_left_and_opened_folds_fit_the_screen(
    prepared: tuple[Path, Manifest], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(text)
    seen = visit(path, 1200, False, READ)
    assert seen["source"] == "ltr"
    assert {*seen["directions"], *seen["cells"]} == {"rtl"}
    assert len(seen["directions"]) >= 6
    assert len(seen["cells"]) == len(CITIES)
    assert all(before >= answer - 1 for before, answer in seen["answers"])  # it stands to the left
    narrow = visit(path, 400, True, READ)
    assert narrow["page"] <= narrow["window"] <= 400
