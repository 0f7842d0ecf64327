"""Sentences with tagged words, from files of one word a line; plain or .gz, UTF-8.

    conll2002   word (lemma, part of speech ...) tag, between spaces: Spanish has 2 columns, Dutch 3
    conll2003   the same with 4 columns in English, 5 in German; `-DOCSTART-` lines part documents
    conll       either, as where English of 2003 is trained and Spanish of 2002 is tested
    wikiann     PAN-X: `lang:word<TAB>tag`
    uner        Universal NER: `index<TAB>word<TAB>tag<TAB>-<TAB>-`, comments after `#`

Sentences are parted by empty lines. No line is skipped: one that cannot be read is an InputError.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, assert_never

from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.errors import InputError
from clism_ray.tasks.ner_schemes import TaggedLine, check_form, scheme_of, to_iob2
from clism_ray.tasks.ner_tags import Entity, Scheme, entities

Format = Literal["conll", "conll2002", "conll2003", "wikiann", "uner"]

# What the counts of a reading are called.
STRAY_INSIDE = "stray_inside_tag"  # an I- that began an entity under declared IOB2; now B-
INVISIBLE = "invisible_word"  # only white space, control and format characters; kept
EMPTY = "empty_word"  # a line of tab-separated columns with a tag and no word; kept

_DOCUMENT = "-DOCSTART-"
_SPACES = re.compile(r"[ \t]+")  # str.split would cut at no-break spaces too
_INDEX = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """As many IOB2 tags as words. The id is the file's own, or the file's name and first line."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: int | None = None  # its number in the file; None: the file tells of no two

    @property
    def entities(self) -> list[Entity]:
        """What the tags stand for."""
        return entities(self.tags)


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences of a file, in order, and how often something about them was out of order."""

    sentences: tuple[Sentence, ...]
    scheme: Scheme  # of the file; the sentences are IOB2
    counts: Counter[str]


class _Word(NamedTuple):
    text: str
    tag: TaggedLine


@dataclass(slots=True)
class _Block:
    """The lines between two empty ones."""

    id: str
    document: int
    words: list[_Word] = field(default_factory=list)


def read_sentences(path: Path, format: Format, scheme: Scheme | None = None) -> Reading:
    """The tagged sentences of a file.

    Args:
        path: plain, or gzipped if its name ends in .gz.
        format: how its lines are made up.
        scheme: of its tags; None finds out, and refuses a file that mixes two.

    Raises:
        InputError: there is no such file, it is damaged or holds no sentence; or, with the line,
            bytes that are no UTF-8, a missing column, an unknown tag, one that breaks the scheme.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    blocks = list(_blocks(path, format))
    if not blocks:
        raise InputError(f"{path}: no sentence in it; expected one word a line, format {format}")
    tags = [[word.tag for word in block.words] for block in blocks]
    scheme = scheme or scheme_of(tags, str(path))
    counts: Counter[str] = Counter()
    sentences = []
    for block, tagged in zip(blocks, tags, strict=True):
        iob2, strays = to_iob2(tagged, scheme, str(path))
        words = tuple(word.text for word in block.words)
        counts[STRAY_INSIDE] += strays
        counts[EMPTY] += words.count("")
        counts[INVISIBLE] += sum(map(_is_invisible, words))
        document = block.document if blocks[-1].document > blocks[0].document else None
        sentences.append(Sentence(block.id, words, tuple(iob2), document))
    return Reading(tuple(sentences), scheme, +counts)  # + leaves out zeros


def _blocks(path: Path, format: Format) -> Iterator[_Block]:
    block, width, document = _Block("", 0), 0, 0
    for number, raw in enumerate(raw_lines(path), 1):
        where = f"{path}, line {number}"
        line = _decode(raw, where)
        if format == "uner" and line.startswith("#"):
            name, found, value = line[1:].partition("=")
            if found and name.strip() == "sent_id" and not block.words:
                block.id = value.strip()
            if name.split()[:1] == ["newdoc"] and not block.words:
                document = block.document = document + 1
            continue
        spaced = _is_spaced(format)
        columns = _SPACES.split(line.strip(" \t")) if spaced else line.rstrip(" ").split("\t")
        if columns == [""] or (spaced and columns[0] == _DOCUMENT):
            if block.words:
                yield block
            document += columns[0] == _DOCUMENT
            block = _Block("", document)
            continue
        width = width or len(columns)
        _check_width(columns, width, format, where)
        text, tag = _word_and_tag(columns, format, len(block.words) + 1, where)
        check_form(tag, where)
        block.id = block.id or f"{path.name}:{number}"
        block.words.append(_Word(text, TaggedLine(tag, number)))
    if block.words:
        yield block


def _is_spaced(format: Format) -> bool:
    return format in ("conll", "conll2002", "conll2003")


_WIDTHS = {
    "conll": (2, 5),
    "conll2002": (2, 3),
    "conll2003": (4, 5),
    "wikiann": (2, 2),
    "uner": (3, 5),
}


def _check_width(columns: Sequence[str], width: int, format: Format, where: str) -> None:
    """InputError unless the line has as many columns as its format, and the file's first line."""
    least, most = _WIDTHS[format]
    if len(columns) == width and least <= width <= most:
        return
    expected = f"{least}" if least == most else f"{least} to {most}"
    parted = "spaces" if _is_spaced(format) else "tabs"
    raise InputError(
        f"{where}: {len(columns)} columns between {parted}, {width} in the file's first line; "
        f"format {format} has {expected}, the same in every line"
    )


def _word_and_tag(
    columns: Sequence[str], format: Format, place: int, where: str
) -> tuple[str, str]:
    match format:
        case "conll" | "conll2002" | "conll2003":
            return columns[0], columns[-1]
        case "wikiann":
            _, colon, word = columns[0].partition(":")
            if not colon:
                raise InputError(
                    f"{where}: {columns[0]!r} has no language before it, as in en:word"
                )
            return word, columns[1].strip()
        case "uner":
            # Indices that skip one betray a lost line; those with a hyphen or a point are no words.
            if not _INDEX.fullmatch(columns[0]) or int(columns[0]) != place:
                raise InputError(
                    f"{where}: index {columns[0]!r} for word {place} of its sentence; "
                    "expected every word's line, numbered from 1"
                )
            return columns[1], columns[2].strip()
        case _:
            assert_never(format)


def _decode(raw: bytes, where: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}: no UTF-8 ({error.reason}); convert the file, as with iconv -f latin1 -t utf8"
        ) from None


def _is_invisible(word: str) -> bool:
    return bool(word) and all(unicodedata.category(sign)[0] in "CZ" for sign in word)
