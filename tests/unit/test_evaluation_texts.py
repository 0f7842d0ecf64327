"""The texts of evaluation sets, whatever form their files have."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clism_ray.corpus.evaluation_texts import format_of, texts_of
from clism_ray.errors import InputError

SQUAD = {
    "data": [
        {
            "paragraphs": [
                {"context": "Rome is old.", "qas": [{"question": "What is old?"}]},
                {"context": "Oslo is cold.", "qas": [{"question": "What is old?"}]},
            ]
        }
    ]
}
FORMS = {
    "squad": (json.dumps(SQUAD), ["Rome is old.", "What is old?", "Oslo is cold."]),
    "jsonl": (
        '{"id": "1", "question": "What?", "context": "Rome."}\n\n{"tokens": ["a", "b"]}\n'
        '{"text": "c\\ud800", "context": "Rome."}\n',
        ["Rome.", "What?", "a b", "c?"],
    ),
    "json": (
        '[\n {"context": "Caf\\u00e9 M."},\n ["So it is.", {"tokens": ["a", "b"]}]\n]\n',
        ["Café M.", "So it is.", "a b"],
    ),
    "uner": (
        "# sent_id = 1\n# text = So\n1\tSo\tO\t-\t-\n2\tO\tB-PER\t-\t-\n\n# x\n1\tRome\tB-LOC\n",
        ["So O", "Rome"],
    ),
    "wikiann": ("de:Rom\tB-LOC\nde::\tO\n\nde:Bonn\tB-LOC\n", ["Rom :", "Bonn"]),
    "conll": (
        "-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\nsays VB I-VP O\n\n\nOK JJ O O",
        ["EU says", "OK"],
    ),
    "lines": ("A sentence.\n\n  Another \n# a third\n", ["A sentence.", "  Another ", "# a third"]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_each_form_is_known_by_its_content(tmp_path: Path, form: str, packed: bool) -> None:
    content, texts = FORMS[form]
    path = tmp_path / ("test.gz" if packed else "test")
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    found = format_of(str(path))
    assert found == form
    assert texts_of(str(path), found) == texts


def test_json_over_many_lines_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(SQUAD, indent=1))
    assert texts_of(str(path), format_of(str(path))) == FORMS["squad"][1]


def test_no_text_of_an_object_is_passed_over(tmp_path: Path) -> None:
    entry = {
        **{"id": "a7", "title": "War and Peace", "answers": {"text": ["in the rain"]}},
        **{"passage": "It rained all day.", "lang": "en", "question": "When?", "idx": 3},
        "options": [{"text": "Never"}, "It did not", {"n": ["下雨"]}],
    }
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(entry))
    assert texts_of(str(path), format_of(str(path))) == [
        *("When?", "It rained all day.", "Never", "It did not", "下雨")
    ]


def test_plain_text_may_begin_with_a_bracket(tmp_path: Path) -> None:
    path = tmp_path / "test.txt"
    path.write_text("[Applause]\nThank you.\n")
    assert format_of(str(path)) == "lines"


def test_words_whose_tags_stand_after_one_space_are_conll(tmp_path: Path) -> None:
    path = tmp_path / "esp.testb"
    path.write_text("La B-LOC\nhttp: O\n\n")
    assert format_of(str(path)) == "conll"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"PAR1\0\0 a table", "line 1: holds NUL"),
        (b"one\ntwo \xff\n", "line 2: not UTF-8"),
        (b"<?xml version='1.0'?><a/>", "columns without NER tags, or XML"),
        (b"1\tRome\tNOUN\n2\tis\tVERB\n", "columns without NER tags, or XML"),
        (b'{"data": [{"paragraphs": [{"text": "a"}]}]}', "not SQuAD JSON .KeyError: 'context'"),
        (b'{"data": [{"paragraphs": [{"context": 3, "qas": []}]}]}', "not SQuAD JSON .TypeError"),
        (b'{"data": "many"}', "not SQuAD JSON"),
        (b'{"data": [', "not SQuAD JSON .JSONDecodeError"),
        (b'{"question": "a"}\n{"sentence": "b"}\n', "line 2: no text under context, question"),
        (b'{"question": "a"}\n[1]\n', "line 2: no text under context, question"),
    ],
)
def test_what_has_no_known_form_is_one_clear_error(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "test.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint) as error:
        texts_of(str(path), format_of(str(path)))
    assert str(error.value).startswith(str(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text('{}[]":,\t\nO B-X#data', max_size=60).map(str.encode))
def test_any_bytes_are_texts_or_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "test.txt"
    path.write_bytes(content)
    try:
        found = texts_of(str(path), format_of(str(path)))
    except InputError as error:
        found = [str(error)]
    assert all(isinstance(text, str) for text in found)
