"""`jobs/answer.py`: a question, or a file of them, to answers on paper."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from clism_ray.tasks.qa_export import export_answer_model, load_answer_model
from clism_ray.tasks.qa_pipeline import QuestionAnswerer
from clism_ray.tasks.qa_windows import WindowLimits
from jobs.answer import main
from tests.model.folders import PASSAGE, QUESTIONS, answering, shards

LIMITS = WindowLimits(max_tokens=30, stride=9, max_question_tokens=7)


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answering")
    made = answering("xlm-roberta", tokenizer, folder / "start", LIMITS)
    export_answer_model(folder / "tuned", made, shards(made), tokenizer, LIMITS, "")
    return folder / "tuned"


def squad(*golds: tuple[str, int], question: str = "what is b ?") -> dict[str, Any]:
    answers = [{"text": text, "answer_start": start} for text, start in golds]
    asked = [
        {"id": "q1", "question": question, "answers": answers},
        {"id": "q2", "question": "what is c ?"},
    ]
    return {"data": [{"paragraphs": [{"context": PASSAGE, "qas": asked}]}]}


def run(model: Path, *arguments: str) -> int:
    return main(["--model", str(model), "--device", "cpu", *arguments])


def test_one_question_is_answered_on_paper(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = QuestionAnswerer(model)(question="what is b ?", context=PASSAGE, top_k=3)
    capsys.readouterr()
    assert run(model, "--question", "what is b ?", "--passage", PASSAGE) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert [line.partition(". ")[2] for line in lines[::2]] == [each["answer"] for each in best]
    assert f"characters {best[0]['start']} to {best[0]['end']}" in lines[1]
    (tmp_path / "passage.txt").write_text(PASSAGE)
    file = str(tmp_path / "passage.txt")
    assert run(model, "--question", "what is b ?", "--passage-file", file) == 0
    assert capsys.readouterr().out == printed
    assert run(model, "--question", "what is b ? " * 5, "--passage", PASSAGE) == 0
    assert "cut to their first 7 tokens: 1" in capsys.readouterr().out


def test_a_file_of_questions_gives_predictions_and_scores(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answerer = QuestionAnswerer(model)
    best = answerer(question="what is b ?", context=PASSAGE)
    few = answerer(question="what is c ?", context=PASSAGE, top_k=20)
    assert isinstance(best, dict)
    assert isinstance(few, list)
    file = tmp_path / "xquad.de.json.gz"
    gold = squad((best["answer"], best["start"]), ("else", 0))
    file.write_bytes(gzip.compress(json.dumps(gold).encode()))
    output = tmp_path / "said.json"
    for _ in range(2):  # replaces what is there
        assert run(model, "--questions", str(file), "--output", str(output)) == 0
    printed = capsys.readouterr().out
    assert json.loads(output.read_text()) == {"q1": best["answer"], "q2": few[0]["answer"]}
    n_best = json.loads((tmp_path / "said.nbest.json").read_text())
    assert [each["text"] for each in n_best["q2"]] == [each["answer"] for each in few]
    assert set(n_best["q2"][0]) == {"text", "start", "end", "score", "probability"}
    assert "answered 1 of 2 questions\nanswered 2 of 2 questions\n" in printed
    assert "without a place in 1 ('q1')" in printed
    scores = "exact match 100.00, F1 100.00"
    assert f"SQuAD {scores}; MLQA {scores} (1 questions with gold answers)" in printed
    assert str(output) in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "said.json",
        "said.nbest.json",
        file.name,
    ]


@pytest.mark.parametrize(
    ("name", "language", "told"),
    [
        ("xquad.de.json", None, "MLQA exact match"),
        ("xquad.merged.json", None, "scoring by MLQA's rules needs --language"),
        ("mine.json", None, "scoring by MLQA's rules needs --language"),
        ("xquad.merged.json", "de", "MLQA exact match"),
        ("xquad.de.json", "el", "MLQA exact match"),
    ],
)
def test_the_language_of_passages_is_given_or_told_by_a_files_name(
    name: str,
    language: str | None,
    told: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / name
    file.write_text(json.dumps(squad(("a", 0))))
    given = ["--questions", str(file), "--output", str(tmp_path / "said.json")]
    assert run(model, *given, *(["--language", language] if language else [])) == 0
    assert told in capsys.readouterr().out


def test_questions_are_never_replaced_by_their_answers(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("asked.json", "asked.nbest.json"):
        file = tmp_path / name
        file.write_text(json.dumps(squad()))
        output = str(tmp_path / "asked.json")
        assert run(model, "--questions", str(file), "--output", output) == 2
        assert "answers would replace the questions" in capsys.readouterr().err
        assert json.loads(file.read_text()) == squad()


def test_questions_without_gold_answers_are_answered_too(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "asked.jsonl"
    rows = [{"id": q.id, "question": q.question, "context": q.context} for q in QUESTIONS]
    file.write_text("\n".join(map(json.dumps, rows)))
    output = tmp_path / "said.json"
    assert run(model, "--questions", str(file), "--output", str(output)) == 0
    assert set(json.loads(output.read_text())) == {q.id for q in QUESTIONS}
    assert "no gold answers to score with" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--question", "what ?", "--passage", " \n"), "the passage is blank"),
        (("--question", "", "--passage", "text"), "the question is blank"),
        (("--question", "what ?", "--passage-file", "gone.txt"), "gone.txt: no such file"),
        (("--question", "what ?", "--passage-file", "latin.txt"), "latin.txt: is not UTF-8"),
        (("--question", "what ?", "--passage-file", "blank.txt"), "blank.txt: is blank"),
        (("--questions", "gone.json"), "gone.json: no such file"),
        (("--questions", "blank.json"), "blank.json: blank questions: 1 ('q1')"),
        (("--questions", "asked.json", "--output", "gone/x.json"), "gone/x.json: expected"),
        (("--questions", "asked.json", "--language", "german"), "'german' is no language code"),
        (("--questions", "asked.json", "--language", "de_DE"), "'de_DE' is no language code"),
        (("--questions", "asked.json", "--output", "."), "expected the name of a file"),
        (("--question", "what ?", "--passage", "x", "--device", "tpu9"), "device 'tpu9' cannot"),
    ],
)
def test_what_cannot_be_answered_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...],
    told: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latin.txt").write_bytes("déjà vu".encode("latin-1"))
    Path("blank.txt").write_text("\n")
    Path("blank.json").write_text(json.dumps(squad(question=" ")))
    Path("asked.json").write_text(json.dumps(squad()))
    before = set(tmp_path.iterdir())
    assert run(model, *arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


def test_folders_without_a_head_and_no_folders_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_answer_model(model)
    other = tmp_path / "other size"
    shutil.copytree(model, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "intermediate_size": 8}))
    for folder, told in (
        (tmp_path / "gone", "no such folder"),
        (tmp_path, "no head to answer"),
        (other, "other size: cannot be loaded"),
    ):
        assert run(folder, "--question", "what ?", "--passage", "text") == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--question", "what ?"),
        ("--questions", "x.json", "--passage", "text"),
        ("--question", "what ?", "--passage", "text", "--output", "x.json"),
        ("--question", "what ?", "--questions", "x.json"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    arguments: tuple[str, ...], model: Path
) -> None:
    with pytest.raises(SystemExit) as exit:
        run(model, *arguments)
    assert exit.value.code == 2
