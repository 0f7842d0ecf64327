"""The texts of evaluation sets, to keep them out of a corpus. What a file holds shows its form.

    squad     JSON of SQuAD, XQuAD and MLQA: contexts and questions
    jsonl     objects: what stands under context, question, text and tokens (a list of words), and
              any other text of several words, however deep, but SQuAD's titles and answers
    json      a list of such objects
    uner      Universal NER: `index<TAB>word<TAB>tag ...`, comments after `#`
    wikiann   `lang:word<TAB>tag`
    conll     `word ... tag`, between spaces or tabs; -DOCSTART- lines
    lines     plain text, a sentence a line

Files may be .gz or .zst and anywhere `storage` reaches. `tasks` reads the same files more strictly,
to score answers and tags; here words are enough.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, TypeAlias

from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.corpus.words import is_unspaced
from clism_ray.errors import InputError

Format: TypeAlias = Literal["squad", "jsonl", "json", "uner", "wikiann", "conll", "lines"]

_LOOKED_AT = 200  # lines that decide what form a file has
_TAG = re.compile(r"O|[BIESLU]-\S+")
_LANGUAGE = re.compile(r"[a-z][a-z-]+:")
_DOCUMENT = "-DOCSTART-"
_KEYS = ("context", "question", "text")  # whose texts may be of one word
_LEFT_OUT = ("title", "answers", "plausible_answers")  # names, and what stands in the context
_FORMS = (
    "expected SQuAD JSON, JSON lines or a JSON list of objects with texts, words with NER tags "
    "in columns (CoNLL, WikiAnn, Universal NER), or plain text with a sentence a line, in UTF-8"
)


def format_of(path: str) -> Format:
    """What form a file has, from a look at its beginning; InputError if it is none of these."""
    lines = [line for _, line in islice(_lines(path), _LOOKED_AT) if line.strip()]
    if not lines:
        raise InputError(f"{path}: is empty; {_FORMS}")
    if lines[0].lstrip().startswith("{"):
        first = _json(lines[0])
        return "squad" if first is None or "data" in first else "jsonl"
    if lines[0].lstrip().startswith("[") and _json_list(path) is not None:
        return "json"
    rows = [_columns(line) for line in lines if not _is_remark(line)]
    if all(len(row) >= 3 and row[0].isdecimal() and _TAG.fullmatch(row[2]) for row in rows):
        return "uner"
    if all(len(row) >= 2 and _TAG.fullmatch(row[-1]) for row in rows):
        prefixes = {match and match[0] for match in (_LANGUAGE.match(row[0]) for row in rows)}
        return "conll" if None in prefixes or len(prefixes) > 1 else "wikiann"
    if lines[0].startswith(("<?xml", "<!DOCTYPE")) or all("\t" in line for line in lines):
        raise InputError(f"{path}: columns without NER tags, or XML; {_FORMS}")
    return "lines"


def texts_of(path: str, format: Format) -> list[str]:
    """The different texts of a file, in order; InputError where it has another form."""
    match format:
        case "squad":
            texts = _squad(path)
        case "jsonl":
            texts = _json_lines(path)
        case "json":
            texts = _json_texts(path)
        case "lines":
            texts = (line for _, line in _lines(path) if line.strip())
        case _:
            texts = _sentences(path, format)
    # JSON can spell half of a surrogate pair, which is no character.
    return list(dict.fromkeys(text.encode(errors="replace").decode() for text in texts))


def _squad(path: str) -> Iterator[str]:
    text = "\n".join(line for _, line in _lines(path))
    try:
        articles = json.loads(text)["data"]
        for paragraph in (entry for article in articles for entry in article["paragraphs"]):
            yield "" + paragraph["context"]
            yield from ("" + asked["question"] for asked in paragraph["qas"])
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise InputError(
            f"{path}: not SQuAD JSON ({type(error).__name__}: {error}); "
            "expected data[].paragraphs[].{context, qas[].question}"
        ) from error


def _json_lines(path: str) -> Iterator[str]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        yield from _texts_in(_json(line), f"{path}, line {number}")


def _json_texts(path: str) -> Iterator[str]:
    for number, entry in enumerate(_json_list(path) or (), 1):
        yield from _texts_in(entry, f"{path}, entry {number}")


def _json_list(path: str) -> list[Any] | None:
    found = _json("\n".join(line for _, line in _lines(path)))
    return found if isinstance(found, list) else None


def _texts_in(entry: Any, where: str) -> list[str]:
    """The texts of an object; InputError if it has none."""
    found = list(_texts(entry))
    if not found:
        raise InputError(
            f"{where}: no text under context, question, text, tokens or another key; {_FORMS}"
        )
    return found


def _texts(entry: Any) -> Iterator[str]:
    """Of each object those of known keys, in the order of these, then the others as they come."""
    waiting = [entry]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            known = {key: value[key] for key in _KEYS if isinstance(value.get(key), str)}
            if isinstance(value.get("tokens"), list):
                known["tokens"] = " ".join(map(str, value["tokens"]))
            yield from known.values()
            left_out = {*known, *_LEFT_OUT}
            waiting += reversed([inner for key, inner in value.items() if key not in left_out])
        elif isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, str) and (len(value.split()) > 1 or any(map(is_unspaced, value))):
            yield value  # a single word is an id or a label


def _sentences(path: str, format: Format) -> Iterator[str]:
    """The words of each sentence, with a space between."""
    words: list[str] = []
    for number, line in _lines(path):
        if line.strip() and not _is_remark(line):
            columns = _columns(line)
            if format == "uner" and len(columns) < 2:
                raise InputError(f"{path}, line {number}: no word in {line!r}; {_FORMS}")
            word = columns[1 if format == "uner" else 0]
            words.append(word.partition(":")[2] if format == "wikiann" else word)
        elif words and not line.strip():
            yield " ".join(words)
            words = []
    if words:
        yield " ".join(words)


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a file; InputError for one that is no UTF-8 text."""
    for number, line in enumerate(raw_lines(path), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}, line {number}: not UTF-8 ({error.reason}); {_FORMS}"
            ) from error
        if "\0" in text:
            raise InputError(f"{path}, line {number}: holds NUL, so it is no text; {_FORMS}")
        yield number, text


def _columns(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _is_remark(line: str) -> bool:
    """Whether a line of a file of columns is a comment or parts documents."""
    return line.startswith(("# ", _DOCUMENT))


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
