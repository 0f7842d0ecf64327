"""Which scheme a file's tags follow, and the same tags in IOB2.

Every tag is looked at between its neighbours. Four of these places tell the schemes apart:

    an `E-` or `S-` tag                                  IOBES
    an `I-` that begins an entity                        IOB1 (an error of the other two)
    a `B-` after anything but the same type              IOB2 or IOBES
    an entity that is cut short or not closed            not IOBES
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from clism_ray.errors import InputError
from clism_ray.tasks.ner_tags import OUTSIDE, Scheme, repaired

_FORM = re.compile(r"O|[BIES]-\S+")


class TaggedLine(NamedTuple):
    """A word's tag as the file has it, and where."""

    tag: str
    line: int  # from 1


class _Place(NamedTuple):
    """A tag between its neighbours; past the ends of a sentence stands O."""

    before: str
    tag: str
    after: str
    line: int


def check_form(tag: str, where: str) -> None:
    """InputError unless it is `O` or a mark, a hyphen and a type."""
    if not _FORM.fullmatch(tag):
        raise InputError(
            f"{where}: {tag!r} is no tag; expected O, or B-, I-, E- or S- and a type, as in B-PER"
        )


def scheme_of(sentences: Sequence[Sequence[TaggedLine]], path: str) -> Scheme:
    """The only scheme that a file's tags follow; InputError, with both lines, if they mix two.

    A file without entities follows all of them, and counts as IOB2.
    """
    places = [place for sentence in sentences for place in _places(sentence)]
    if any(place.tag[0] in "ES" for place in places):
        return "iobes"
    stray = next((place for place in places if _begins_with(place, "I")), None)
    begin = next((place for place in places if _begins_with(place, "B")), None)
    if stray and begin:
        raise InputError(
            f"{path}: mixed tag schemes: line {stray.line} begins an entity with {stray.tag!r}, "
            f"which is IOB1, and line {begin.line} with {begin.tag!r}, which is IOB2; "
            "name the scheme (iob2 reads such an I- as B- and counts it)"
        )
    return "iob1" if stray else "iob2"


def to_iob2(sentence: Sequence[TaggedLine], scheme: Scheme, path: str) -> tuple[list[str], int]:
    """A sentence's tags in IOB2, and how many stray `I-` became `B-` under declared IOB2.

    Raises InputError, with the line, where the tags break the scheme otherwise.
    """
    for place in _places(sentence):
        fault = _fault(place, scheme)
        if fault:
            raise InputError(f"{path}, line {place.line}: {fault}, against {scheme.upper()}")
    tags = [tag for tag, _ in sentence]
    if scheme == "iobes":
        return [_MARKS[tag[0]] + tag[1:] for tag in tags], 0
    valid, strays = repaired(tags)
    return valid, strays if scheme == "iob2" else 0


_MARKS = {"O": "O", "B": "B", "I": "I", "E": "I", "S": "B"}


def _fault(place: _Place, scheme: Scheme) -> str | None:
    before, tag, after, _ = place
    if scheme != "iobes":
        if tag[0] in "ES":
            return f"{tag!r} marks the end of an entity"
        if scheme == "iob1" and _begins_with(place, "B"):
            return f"{tag!r} follows {before!r}, no entity of its type"
        return None
    open_before = before[0] in "BI" and before[2:] == tag[2:]
    open_after = after[0] in "IE" and after[2:] == tag[2:]
    if tag[0] in "IE" and not open_before:
        return f"{tag!r} follows {before!r}, which begins no entity of its type"
    if tag[0] in "BI" and not open_after:
        return f"{tag!r} is followed by {after!r}, which does not go on with its entity"
    return None


def _begins_with(place: _Place, mark: str) -> bool:
    """Whether the tag has this mark and the one before is of another type."""
    return place.tag[0] == mark and place.before[2:] != place.tag[2:]


def _places(sentence: Sequence[TaggedLine]) -> list[_Place]:
    """The tags of entities; what is outside follows every scheme."""
    tags = [OUTSIDE, *(tag for tag, _ in sentence), OUTSIDE]
    return [
        _Place(tags[index], tag, tags[index + 2], line)
        for index, (tag, line) in enumerate(sentence)
        if tag != OUTSIDE
    ]
