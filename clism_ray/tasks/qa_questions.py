"""Questions about passages, as files hold them: SQuAD JSON and few-shot JSON lines.

SQuAD v1.1, XQuAD and MLQA share one JSON; the few-shot samples are one JSON object a line. Both
may be gzipped. A gold answer has to stand in its passage where the file says it does. One that
does not is moved if the passage holds its text exactly once, and loses its place if not; either
is reported beside the questions.
"""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from clism_ray.errors import InputError
from clism_ray.languages import check_language

SHOWN = 5  # ids that a message names before it only counts

_Id = Annotated[str, StringConstraints(min_length=1)]
_Text = Annotated[str, StringConstraints(pattern=r"\S")]


class Answer(NamedTuple):
    """A gold answer: its text, and the character of the passage it starts at, if known."""

    text: str
    start: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a passage, which is not blank, with its gold answers."""

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Repairs:
    """Ids of the questions with an answer that did not stand where the file says."""

    file: str
    moved: tuple[str, ...]  # the passage held its text once, elsewhere
    unplaced: tuple[str, ...]  # held it nowhere or several times: no place, texts kept

    def __str__(self) -> str:
        return (
            f"{self.file}: answers not at their place: moved in {listed(self.moved)}, "
            f"without a place in {listed(self.unplaced)}"
        )


class Languages(NamedTuple):
    """Of the passages and their answers, and of the questions."""

    context: str
    question: str


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


FormT = TypeVar("FormT", bound=_Form)


class _Gold(_Form):
    text: _Text
    answer_start: int


class _Asked(_Form):
    id: _Id
    question: str
    answers: list[_Gold] = []


class _Paragraph(_Form):
    context: _Text
    qas: list[_Asked]


class _Article(_Form):
    paragraphs: list[_Paragraph]


class _Squad(_Form):
    data: list[_Article]


class _GoldColumns(_Form):
    text: list[_Text]
    answer_start: list[int]


class _Line(_Form):
    id: _Id
    question: str
    context: _Text
    answers: _GoldColumns = _GoldColumns(text=[], answer_start=[])


def read_questions(path: Path, *, golds: bool = True) -> tuple[list[Question], Repairs]:
    """All questions of a file in its order, and what had to be repaired.

    Args:
        path: `.json` (SQuAD v1.1, XQuAD, MLQA) or `.jsonl` (few-shot samples), either with `.gz`.
        golds: whether each must have a gold answer, to train or test with.

    Raises:
        InputError: no such file, not gzip, UTF-8 or JSON, another structure, a blank passage
            or answer, a question without answers, an id that is there twice, no question.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix not in (".json", ".jsonl"):
        raise InputError(
            f"{path}: questions are read from .json (SQuAD v1.1, XQuAD, MLQA) or .jsonl (few-shot "
            f"samples), plain or .gz; got a file that ends in {suffix or 'nothing'!r}"
        )
    text = read_text(path)
    read = []
    for where, question in (_squad if suffix == ".json" else _json_lines)(path, text):
        if golds and not question.answers:
            raise InputError(
                f"{where}: question {question.id!r} has no answer; expected one, as in SQuAD v1.1 "
                "(SQuAD v2.0 has questions without)"
            )
        read.append(question)
    if not read:
        raise InputError(f"{path}: holds no question")
    _refuse_duplicates(path, read)
    moved, unplaced, questions = [], [], []
    for question in read:
        answers = tuple(_placed(question.context, answer) for answer in question.answers)
        if any(answer.start is None for answer in answers):
            unplaced.append(question.id)
        elif answers != question.answers:
            moved.append(question.id)
        questions.append(Question(question.id, question.question, question.context, answers))
    return questions, Repairs(path.name, tuple(moved), tuple(unplaced))


def languages_in(path: Path) -> Languages | None:
    """What a file's name says: `test-context-XX-question-YY.json` (MLQA), `xquad.XX.json`."""
    named = re.search(r"context-([\w-]+?)-question-([\w-]+?)\.json", path.name) or re.search(
        r"xquad[\w-]*\.(([\w-]+))\.json", path.name
    )
    return Languages(*map(check_language, named.groups())) if named else None


def listed(ids: Sequence[str]) -> str:
    """How many, and the first of them."""
    names = ", ".join(map(repr, ids[:SHOWN])) + (", ..." if len(ids) > SHOWN else "")
    return f"{len(ids)} ({names})" if ids else "0"


def read_text(path: Path) -> str:
    """What a file of UTF-8 says, gzipped if its name ends in .gz; InputError if it cannot be."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 at byte {error.start}") from error


def _squad(path: Path, text: str) -> Iterator[tuple[str, Question]]:
    for article in _parse(_Squad, str(path), text).data:
        for paragraph in article.paragraphs:
            for asked in paragraph.qas:
                answers = tuple(Answer(gold.text, gold.answer_start) for gold in asked.answers)
                yield str(path), Question(asked.id, asked.question, paragraph.context, answers)


def _json_lines(path: Path, text: str) -> Iterator[tuple[str, Question]]:
    # Not splitlines(): JSON strings may hold U+2028 and its like as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = _parse(_Line, where, line)
        texts, starts = row.answers.text, row.answers.answer_start
        if len(texts) != len(starts):
            raise InputError(
                f"{where}: question {row.id!r} has {len(texts)} answers.text and {len(starts)} "
                "answers.answer_start; expected as many"
            )
        answers = tuple(map(Answer, texts, starts))
        yield where, Question(row.id, row.question, row.context, answers)


def _parse(form: type[FormT], where: str, text: str) -> FormT:
    expected = (
        "data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}"
        if form is _Squad
        else "{id, question, context, answers.{text[], answer_start[]}}"
    )
    try:
        return form.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise InputError(f"{where}: is not JSON: {first['ctx']['error']}") from error
        at = ".".join(map(str, first["loc"])) or "the whole"
        blank = "is blank" if first["type"].startswith("string_p") else first["msg"]
        raise InputError(
            f"{where}: {at}: {blank}; expected {expected}, no passage or answer blank"
        ) from error


def _refuse_duplicates(path: Path, questions: Iterable[Question]) -> None:
    counts = Counter(question.id for question in questions)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise InputError(
            f"{path}: ids that stand there more than once: {listed(twice)}; "
            "an id must name one question"
        )


def _placed(context: str, answer: Answer) -> Answer:
    """The answer where its text stands, if that is where it says or one place only."""
    assert answer.start is not None
    if answer.start >= 0 and context.startswith(answer.text, answer.start):
        return answer
    first = context.find(answer.text)
    only = first >= 0 and context.find(answer.text, first + 1) < 0
    return answer._replace(start=first if only else None)
