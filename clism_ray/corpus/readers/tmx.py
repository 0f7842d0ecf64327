"""TMX, the exchange format of translation memories: a pair to a `<tu>`, its line the unit's number.

    <tmx><body><tu><tuv xml:lang="en-US"><seg>text</seg></tuv><tuv xml:lang="de">...

Read as a stream, by expat. Declared entities are refused, since they may grow without end, and
no other file is opened; a DOCTYPE that only names TMX's own grammar is fine.
"""

from collections.abc import Iterator
from xml.parsers import expat

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Pairs, Reason, in_chunks
from clism_ray.corpus.readers.lines import DAMAGE, LINE_BYTES, damaged
from clism_ray.corpus.storage import opened
from clism_ray.errors import InputError

_BLOCK = 1 << 18  # bytes that expat is given at once
_CODES = frozenset(("bpt", "ept", "it", "ph", "ut"))  # native codes inside of a text
_DEPTH = 100  # of elements
_LANGUAGES_SHOWN = 20


def chunks(files: CorpusFiles, lines: int) -> Iterator[Pairs]:
    """The units of a file in chunks; one that lacks a language is without text.

    Raises InputError for what is not well-formed, for declared entities, and at the end if no
    unit had both languages.
    """
    units = _Units(files)
    usable, last = False, 0
    for chunk in in_chunks(_pairs(units, files.path), lines):
        yield chunk
        usable = usable or any(pair != "no_text" for pair in chunk.pairs)
        last = chunk.first_line + len(chunk.pairs) - 1
    if last and not usable:
        raise InputError(
            f"corpus {files.name!r}: {files.path}: no text in {files.source_language} and "
            f"{files.target_language}: units 1 to {last} are in "
            f"{', '.join(sorted(units.languages)) or 'no language'}"
        )


def is_language(code: str, wanted: str) -> bool:
    """Whether a text in `code` is one in `wanted`: en-US and EN_gb are en; en is not en-US."""
    code, wanted = (text.lower().replace("_", "-") for text in (code, wanted))
    return code == wanted or code.startswith(wanted + "-")


def _pairs(units: "_Units", path: str) -> Iterator[tuple[bytes, bytes] | Reason]:
    number = 0
    try:
        with opened(path) as file:
            while True:
                block = file.read(_BLOCK)
                units.feed(block)
                number += len(units.done)
                yield from units.done
                units.done.clear()
                if not block:
                    return
    except InputError:
        raise
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise InputError(
            f"{path}, line {error.lineno}: not well-formed XML ({reason}), after {number} units; "
            "the file is damaged or cut short: fetch it again"
        ) from error
    except (*DAMAGE, ValueError, LookupError) as error:  # ValueError, LookupError: its encoding
        raise damaged(path, f"unit {number}", error) from error


class _Units:
    """Expat's handlers, and the state between them."""

    def __init__(self, files: CorpusFiles) -> None:
        self.done: list[tuple[bytes, bytes] | Reason] = []
        self.languages: set[str] = set()
        self._path = files.path
        self._wanted = files.source_language, files.target_language
        self._fed = 0
        self._open: list[str] = []  # names of the elements around
        self._language = ""
        self._texts: dict[str, str] = {}  # language -> text, of the unit
        self._parts: list[str] = []  # of the text
        self._held = 0  # characters of the parts
        self._unknown = False  # whether the unit has an entity that nothing declares
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._declared
        parser.SkippedEntityHandler = self._skipped

    def feed(self, block: bytes) -> None:
        """Parse on; an empty block ends the file."""
        self._parser.Parse(block, not block)
        self._fed += len(block)
        if self._fed - self._parser.CurrentByteIndex > LINE_BYTES:
            raise self._refused(f"over {LINE_BYTES >> 20} MiB without the end of a tag")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name != "tmx":
            raise self._refused(f"the root element is <{name}>; expected <tmx>")
        self._open.append(name)
        if len(self._open) > _DEPTH:
            raise self._refused(f"over {_DEPTH} elements inside one another")
        if name == "tu":
            self._texts, self._unknown = {}, False
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang") or ""
            self._parts, self._held = [], 0

    def _characters(self, text: str) -> None:
        if "seg" in self._open and not _CODES.intersection(self._open):
            self._parts.append(text)
            self._held += len(text)
            if self._held > LINE_BYTES:
                raise self._refused(f"a text of over {LINE_BYTES >> 20} Mi characters")

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == "tuv":
            if self._language and len(self.languages) < _LANGUAGES_SHOWN:
                self.languages.add(self._language)
            if any(is_language(self._language, wanted) for wanted in self._wanted):
                self._texts.setdefault(self._language, "".join(self._parts))
        elif name == "tu":
            source, target = map(self._text, self._wanted)
            if self._unknown:
                self.done.append("unknown_entity")
            elif source is None or target is None:
                self.done.append("no_text")
            else:
                self.done.append((source.encode(), target.encode()))

    def _text(self, wanted: str) -> str | None:
        """The unit's text in a language: of that very code, or else the first that counts."""
        codes = [code for code in self._texts if is_language(code, wanted)]
        codes.sort(key=lambda code: len(code) > len(wanted))
        return self._texts[codes[0]] if codes else None

    def _declared(self, name: str, *_: object) -> None:
        raise self._refused(
            f"declares the entity {name!r}; entities are refused, since they may grow without "
            "end: write out what they stand for, and remove the declaration"
        )

    def _skipped(self, name: str, is_parameter: bool) -> None:
        self._unknown = True

    def _refused(self, reason: str) -> InputError:
        return InputError(f"{self._path}, line {self._parser.CurrentLineNumber}: {reason}")
