"""Pairs that share words with evaluation texts: found exactly, and told about."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.contamination import (
    EXAMPLES,
    EvaluationFile,
    contaminated,
    evaluation_files,
    merge_runs,
    note_hits,
    note_runs,
    report,
)
from clism_ray.corpus.inputs import inputs_of, settings_and_content
from clism_ray.corpus.intake import key
from clism_ray.corpus.word_runs import content_words
from clism_ray.errors import InputError

CONTEXT = "The Panthers defense gave up just 308 points, ranking sixth in the league."


def row(source: str, target: str, line: int = 1) -> dict[str, Any]:
    number = key("en", "de", source, target)
    return {
        **{"key": number, "source": source, "target": target},
        **{"corpus": "c", "file": "f", "line": line},
    }


def noted(folder: Path, n: int, **texts: Sequence[str]) -> None:
    """Store the runs of files of plain text."""
    folder.mkdir(exist_ok=True, parents=True)
    for number, (name, lines) in enumerate(texts.items()):
        path = folder / name
        path.write_text("\n".join(lines), encoding="utf-8")
        note_runs(folder, n, number, EvaluationFile(str(path), name, "lines"))
    merge_runs(folder)


def test_a_pair_is_hit_through_either_side(tmp_path: Path) -> None:
    noted(tmp_path, 8, squad=[CONTEXT], zh=["黑豹队的防守只丢了308分，在联赛中排名第六"])
    rows = [
        row("It is said that THE PANTHERS DEFENSE gave up just 308 points.", "nichts"),
        row("nothing of the kind is said here by anyone", "nichts davon"),
        row("nothing", "他说黑豹队的防守只丢了308分，在联赛中"),
    ]
    hits = contaminated(tmp_path, rows, 8)
    assert [hit.row for hit in hits] == [rows[0], rows[2]]
    assert hits[0].words == "the panthers defense gave up just 308 points"
    assert hits[1].words.startswith("黑 豹 队 的")


def test_the_report_counts_texts_and_pairs_of_each_file(tmp_path: Path) -> None:
    noted(tmp_path, 4, one=[CONTEXT, "so he said to me", "far away"], two=["So he said to me"])
    chunks = [
        [row("and so he said to me", "a", line) for line in (3, 2)],
        [row("gave up just 308 points", "b", 4), row("other words", "c", 5)],
        [row("one two three four five", "d", 6)],
    ]
    for n, rows in enumerate(chunks):
        note_hits(tmp_path, contaminated(tmp_path, rows, 4), f"{n}")
    card = report(tmp_path)
    json.dumps(card)
    examples = card["one"].pop("examples")
    assert card["one"] == {"format": "lines", "texts": 3, "texts_hit": 2, "pairs_dropped": 3}
    assert {(e["line"], e["shared"]) for e in examples} == {
        (2, "so he said to"),
        (4, "gave up just 308"),
    }
    assert [card["two"][name] for name in ("texts", "texts_hit", "pairs_dropped")] == [1, 1, 2]


def test_the_report_does_not_depend_on_how_lines_were_cut_into_chunks(tmp_path: Path) -> None:
    choose = random.Random(1)
    texts = [" ".join(choose.choices("abcdef", k=9)) for _ in range(9)]
    rows = [row(" ".join(choose.choices("abcdef", k=9)), f"{n}", n) for n in range(200)]
    cards = []
    for size in (7, 200):
        folder = tmp_path / f"{size}"
        noted(folder, 4, one=texts[:5], two=texts[5:])
        ordered = rows if size == 7 else rows[::-1]
        for start in range(0, len(rows), size):
            hits = contaminated(folder, ordered[start : start + size], 4)
            note_hits(folder, hits, f"{start:03d}")
        cards.append(report(folder))
    assert cards[0] == cards[1]
    assert len(cards[0]["one"]["examples"]) == EXAMPLES


def test_where_nothing_is_shared_the_report_says_so(tmp_path: Path) -> None:
    noted(tmp_path, 4, one=[CONTEXT])
    for name in ("0", "1"):
        note_hits(tmp_path, contaminated(tmp_path, [row("other words", "c")], 4), name)
    assert report(tmp_path) == {
        "one": {"format": "lines", "texts": 1, "texts_hit": 0, "pairs_dropped": 0, "examples": []}
    }


def test_the_report_holds_one_chunk_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(tmp_path, 4, one=[CONTEXT])
    for n in range(9):
        note_hits(tmp_path, contaminated(tmp_path, [row(CONTEXT, f"c{n}", n)], 4), f"{n}")

    class Chunk(dict[str, Any]):
        """Notes how many of its kind are held."""

        held, most = 0, 0

        def __init__(self, content: dict[str, Any]) -> None:
            super().__init__(content)
            Chunk.held += 1
            Chunk.most = max(Chunk.most, Chunk.held)

        def __del__(self) -> None:
            Chunk.held -= 1

    def loads(text: str) -> Any:
        content = whole(text)
        return Chunk(content) if isinstance(content, dict) else content

    whole = json.loads
    monkeypatch.setattr(json, "loads", loads)
    assert report(tmp_path)["one"]["pairs_dropped"] == 9
    assert Chunk.most <= 2  # the next is read before the last is let go


WORDS = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1), st.lists(st.tuples(WORDS, WORDS)))
def test_what_is_found_is_what_comparing_all_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], pairs: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("runs")

    def triples(text: str) -> set[tuple[str, ...]]:
        words = content_words(text)
        return {tuple(words[n : n + 3]) for n in range(len(words) - 2)} | (
            {("whole", *words)} if len(words) == 2 else set()
        )

    evaluated = set().union(*map(triples, texts))
    if not evaluated:
        return
    noted(folder, 3, one=texts)
    rows = [row(*pair) for pair in pairs]
    hits = [hit.row for hit in contaminated(folder, rows, 3)]
    assert hits == [
        each for each in rows if (triples(each["source"]) | triples(each["target"])) & evaluated
    ]


def test_files_are_found_once_and_named_as_briefly_as_tells_them_apart(tmp_path: Path) -> None:
    for name in ("de/test", "en/test", "xquad.de.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("en:Rome B-LOC\n" if "/" in name else '{"data": []}')
    files = evaluation_files([str(tmp_path / "*/test"), str(tmp_path / "*.json")])
    assert [file.name for file in files][:2] == ["de/test", "en/test"]
    assert [file.format for file in files] == ["wikiann", "wikiann", "squad"]
    files = evaluation_files([str(tmp_path / "*.json"), str(tmp_path / "xquad.de.json")])
    assert [file.name for file in files] == ["xquad.de.json"]
    assert evaluation_files([]) == []


@pytest.mark.parametrize("name", ["none.json", "*.json"])
def test_a_missing_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cleaning.decontaminate.files: .*no (such )?file"):
        evaluation_files([str(tmp_path / name)])


def test_a_file_in_which_nothing_could_be_found_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of its 2 texts \(read as lines\) counts 4 words"):
        noted(tmp_path, 8, one=["Rome", "Oslo is cold"])


def prepared_from(folder: Path, **settings: Any) -> PrepareConfig:
    (folder / "a.tsv").write_text("a\tb\n")
    corpus = {"name": "c", "format": "tsv", "path": str(folder / "a.tsv")}
    tree = {
        "output": "out",
        "corpora": [{**corpus, "source_language": "en", "target_language": "de"}],
        "cleaning": {"decontaminate": {"files": [str(folder / "eval*")], **settings}},
    }
    return parse(PrepareConfig, tree)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "no file fits"), ("<?xml version='1.0'?>", "or XML; expected SQuAD JSON")],
)
def test_evaluation_files_are_checked_before_any_corpus_is_read(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "eval.txt").write_text(content)
    with pytest.raises(InputError, match=complaint) as error:
        inputs_of(prepared_from(tmp_path))
    assert str(error.value).startswith("cleaning.decontaminate.files: ")


def test_a_corpus_is_made_of_what_evaluation_files_hold_wherever_they_stand(tmp_path: Path) -> None:
    made_of = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        (folder / "eval.txt").write_text(CONTEXT)
        config = prepared_from(folder)
        hashes = {str(folder / "eval.txt"): "f00d"}
        made_of.append(settings_and_content(config, inputs_of(config), hashes))
    assert made_of[0] == made_of[1]
    assert made_of[0]["cleaning"]["decontaminate"] == {"files": {"eval.txt": "f00d"}, "ngram": 8}
