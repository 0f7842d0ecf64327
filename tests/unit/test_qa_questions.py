"""Questions from files: what is read, what is repaired, what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from clism_ray.errors import InputError
from clism_ray.tasks.qa_questions import Answer, Question, languages_in, read_questions

PASSAGE = "Ada met Bob. Bob met Carol."


def squad(*golds: tuple[str, int], name: str = "q1", context: str = PASSAGE) -> dict[str, Any]:
    answers = [{"text": text, "answer_start": start} for text, start in golds]
    asked = {"id": name, "question": "Who?", "answers": answers, "is_impossible": False}
    return {"version": "1.1", "data": [{"title": "T", "paragraphs": [
        {"context": context, "qas": [asked]}]}]}  # fmt: skip


def line(text: str = "Ada", start: int = 0, **changes: Any) -> str:
    row = {"id": "q1", "question": "Who?", "context": PASSAGE}
    return json.dumps({**row, "answers": {"text": [text], "answer_start": [start]}, **changes})


def write(folder: Path, content: Any, name: str = "x.json") -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    data = text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


@pytest.mark.parametrize("name", ["dev-v1.1.json", "test-context-ar-question-zh.json.gz"])
def test_squad_json_is_read_plain_or_gzipped(tmp_path: Path, name: str) -> None:
    questions, repairs = read_questions(write(tmp_path, squad(("Ada", 0), ("Carol", 21)), name))
    answers = (Answer("Ada", 0), Answer("Carol", 21))
    assert questions == [Question("q1", "Who?", PASSAGE, answers)]
    assert (repairs.file, repairs.moved, repairs.unplaced) == (name, (), ())


def test_json_lines_are_read(tmp_path: Path) -> None:
    # A line separator of Unicode inside a string ends no line.
    rows = [line(), line(id="q2", question="a\u2028b").replace("\\u2028", "\u2028"), ""]
    questions, _ = read_questions(write(tmp_path, "\n".join(rows), "few.jsonl.gz"))
    assert [(q.id, q.question, q.answers) for q in questions] == [
        ("q1", "Who?", (Answer("Ada", 0),)),
        ("q2", "a\u2028b", (Answer("Ada", 0),)),
    ]


@pytest.mark.parametrize("said", [4, -3, 1000])
def test_a_misplaced_answer_moves_to_the_one_place_that_holds_it(tmp_path: Path, said: int) -> None:
    (question,), repairs = read_questions(write(tmp_path, squad(("Carol", said))))
    assert question.answers == (Answer("Carol", 21),)
    assert (repairs.moved, repairs.unplaced) == (("q1",), ())
    assert "x.json" in str(repairs)
    assert "moved in 1 ('q1')" in str(repairs)


@pytest.mark.parametrize("text", ["Bob", "Dora"])
def test_an_answer_that_may_be_anywhere_keeps_its_text_and_loses_its_place(
    tmp_path: Path, text: str
) -> None:
    (question,), repairs = read_questions(write(tmp_path, squad((text, 1), ("Ada", 0))))
    assert question.answers == (Answer(text, None), Answer("Ada", 0))
    assert (repairs.moved, repairs.unplaced) == ((), ("q1",))


def test_overlapping_places_are_several_places(tmp_path: Path) -> None:
    (question,), _ = read_questions(write(tmp_path, squad(("aa", 3), context="xaaa")))
    assert question.answers == (Answer("aa", None),)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is not JSON"),
        ('{"data": [', "is not JSON"),
        ("[]", "the whole: Input should be an object; expected data"),
        ({"rows": []}, "data: Field required"),
        ({"data": []}, "holds no question"),
        (squad(("Ada", 0), context=" \n"), "data.0.paragraphs.0.context: is blank"),
        (squad((" ", 3)), "qas.0.answers.0.text: is blank"),
        (squad(), "question 'q1' has no answer"),
        ({"data": squad(("Ada", 0))["data"] * 2}, "more than once: 1 ('q1')"),
    ],
)
def test_unusable_squad_json_is_refused_with_its_file(
    tmp_path: Path, content: Any, complaint: str
) -> None:
    with pytest.raises(InputError) as error:
        read_questions(write(tmp_path, content))
    assert complaint in str(error.value)
    assert str(tmp_path / "x.json") in str(error.value)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: is not JSON"),
        ("3", "line 2: the whole"),
        (line(context=""), "line 2: context: is blank"),
        (line(answers={"text": ["Ada"]}), "line 2: answers.answer_start: Field required"),
        (line(answers={"text": ["a", "d"], "answer_start": [0]}), "2 answers.text and 1"),
        (line(answers={"text": [], "answer_start": []}), "line 2: question 'q1' has no answer"),
        (line(id="q0"), "more than once: 1 ('q0')"),
    ],
)
def test_an_unusable_line_is_refused_with_its_number(
    tmp_path: Path, row: str, complaint: str
) -> None:
    with pytest.raises(InputError) as error:
        read_questions(write(tmp_path, "\n".join([line(id="q0"), row]), "x.jsonl"))
    assert complaint in str(error.value)


def test_of_many_duplicates_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    rows = [line(id=f"q{number}") for number in range(9)]
    with pytest.raises(InputError, match=r"9 \('q0', 'q1', 'q2', 'q3', 'q4', \.\.\.\)"):
        read_questions(write(tmp_path, "\n".join(rows * 2), "x.jsonl"))


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("x.csv", b"", "ends in '.csv'"),
        ("x", b"", "ends in 'nothing'"),
        ("x.json", None, "no such file"),
        ("x.json.gz", b"{}", "cannot be read: Not a gzipped file"),
        ("x.json.gz", gzip.compress(b"{}" * 99, mtime=0)[:-9], "cannot be read"),
        ("x.json", b'{"data": "\xff"}', "is not UTF-8 at byte 10"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, data: bytes | None, complaint: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        read_questions(tmp_path / name)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("test-context-ar-question-zh.json", ("ar", "zh")),
        ("dev-context-en-question-en.json.gz", ("en", "en")),
        ("xquad.hi.json", ("hi", "hi")),
        ("xquad-dev.vi.json.gz", ("vi", "vi")),
        ("dev-v1.1.json", None),
    ],
)
def test_a_file_name_tells_the_languages(name: str, languages: tuple[str, str] | None) -> None:
    assert languages_in(Path(name)) == languages


def test_a_file_name_with_an_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match="'xx' is no language code"):
        languages_in(Path("test-context-en-question-xx.json"))
