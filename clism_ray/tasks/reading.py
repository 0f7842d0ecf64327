"""How a fine-tuned model reads its input, beside its weights: `reading.json`."""

import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from clism_ray.errors import InputError

READING = "reading.json"

Task = Literal["answers", "entities"]
ReadingT = TypeVar("ReadingT")


def write_reading(folder: Path, task: Task, reading: Any) -> None:
    """Say what a folder's model does, and how it reads: a dataclass."""
    text = json.dumps({"task": task, **asdict(reading)}, indent=2, ensure_ascii=False)
    (folder / READING).write_text(text + "\n", encoding="utf-8")


def read_reading(folder: Path, task: Task, kind: type[ReadingT]) -> ReadingT:
    """How the model of a folder reads, in the dataclass that was written.

    Raises:
        InputError: there is no such folder or file, it is for another task, or was edited so that
            it says something else than an export does.
    """
    path = folder / READING
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that fine-tuning exported")
    if not path.is_file():
        raise InputError(
            f"{folder}: no fine-tuned model ({READING} is not in it); "
            "give a folder that fine-tuning exported"
        )
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: is not JSON in UTF-8: {error}; export it again") from error
    found = settings.pop("task", None) if isinstance(settings, dict) else settings
    if found != task:
        raise InputError(
            f"{path}: the model is for {found!r}, expected {task!r}; give a folder that "
            f"fine-tuning for {task} exported"
        )
    known = fields(kind)  # type: ignore[arg-type]
    names = {field.name for field in known}
    needed = {field.name for field in known if field.default is MISSING}
    if not needed <= set(settings) <= names:  # an older export lacks what has a default since
        raise InputError(
            f"{path}: has {', '.join(sorted(settings)) or 'nothing'} beside the task; expected "
            f"{', '.join(sorted(names))}; export it again"
        )
    try:
        return TypeAdapter(kind).validate_json(json.dumps(settings), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"{path}: {at}: {first['msg']}; export it again") from error
