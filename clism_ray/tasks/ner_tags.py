"""Tags of words and the entities they stand for.

Inside the package tags are IOB2: `B-PER` begins an entity of type PER, `I-PER` goes on with it, `O`
is outside of all. Files may also hold IOB1 (`B-` only between two entities of one type that touch)
or IOBES (`E-` for the last word of an entity, `S-` for the only one).
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from clism_ray.errors import InputError

Scheme = Literal["iob1", "iob2", "iobes"]
OUTSIDE = "O"


class Entity(NamedTuple):
    """Words `first` to `last`, both included, counted from 0."""

    first: int
    last: int
    type: str


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of one sentence's IOB1 or IOB2 tags, in order.

    As conlleval reads them: an `I-` after another type or after `O` begins an entity. That is also
    the default mode of seqeval; its strict mode drops such entities, and agrees on valid IOB2.
    """
    found: list[Entity] = []
    for index, (tag, before) in enumerate(zip(tags, ("O", *tags), strict=False)):
        if tag == OUTSIDE:
            continue
        kind = tag[2:]
        if tag[0] == "B" or before[2:] != kind:
            found.append(Entity(index, index, kind))
        else:
            found[-1] = found[-1]._replace(last=index)
    return found


def repaired(tags: Sequence[str]) -> tuple[list[str], int]:
    """Valid IOB2 with the same `entities`, and how many tags changed from `I-` to `B-`."""
    first_words = {entity.first for entity in entities(tags)}
    valid = ["B" + tag[1:] if index in first_words else tag for index, tag in enumerate(tags)]
    return valid, sum(tag != old for tag, old in zip(valid, tags, strict=True))


class TagSet:
    """The tags a model tells apart: `O`, then `B-` and `I-` of each type, types in order."""

    def __init__(self, types: Iterable[str]) -> None:
        self.types = tuple(sorted(set(types)))
        self.tags = (OUTSIDE, *(f"{mark}-{kind}" for kind in self.types for mark in "BI"))
        self._ids = {tag: index for index, tag in enumerate(self.tags)}

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]]) -> "TagSet":
        """The tags for all types that occur in these sentences' tags."""
        return cls(tag[2:] for tags in sentences for tag in tags if tag != OUTSIDE)

    def __len__(self) -> int:
        return len(self.tags)

    def ids(self, tags: Sequence[str]) -> list[int]:
        """The number of each tag; InputError for a type that the set does not have."""
        unknown = sorted({tag[2:] for tag in tags if tag not in self._ids})
        if unknown:
            raise InputError(
                f"entity type {unknown[0]!r} is none of {', '.join(self.types) or '(none)'}; "
                "map it to one of these, or to O, in the file"
            )
        return [self._ids[tag] for tag in tags]
