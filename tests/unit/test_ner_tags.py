"""Tags, the entities they stand for, and the schemes of files."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.errors import InputError
from clism_ray.tasks.ner_schemes import TaggedLine, scheme_of, to_iob2
from clism_ray.tasks.ner_tags import Entity, Scheme, TagSet, entities, repaired

LOOSE_TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=12)
SENTENCES = st.lists(LOOSE_TAGS.map(lambda tags: repaired(tags)[0]), max_size=5)


def lines(tags: list[str], first: int = 1) -> list[TaggedLine]:
    return [TaggedLine(tag, number) for number, tag in enumerate(tags, first)]


def to_iob1(tags: list[str]) -> list[str]:
    """Written anew from the definition: B- only where an entity touches one of its type."""
    found = entities(tags)
    touching = {b.first for a, b in pairwise(found) if touches(a, b)}
    return [
        tag if tag == "O" or index in touching else "I" + tag[1:] for index, tag in enumerate(tags)
    ]


def touches(a: Entity, b: Entity) -> bool:
    return a.last + 1 == b.first and a.type == b.type


def to_iobes(tags: list[str]) -> list[str]:
    written = ["O"] * len(tags)
    for first, last, kind in entities(tags):
        for index in range(first, last + 1):
            written[index] = f"I-{kind}"
        written[first], written[last] = f"B-{kind}", f"E-{kind}"
        if first == last:
            written[first] = f"S-{kind}"
    return written


def test_entities_end_where_another_begins_or_nothing_goes_on() -> None:
    tags = ["B-PER", "I-PER", "B-PER", "I-LOC", "O", "I-LOC", "I-LOC"]
    assert entities(tags) == [(0, 1, "PER"), (2, 2, "PER"), (3, 3, "LOC"), (5, 6, "LOC")]
    assert entities([]) == []


def test_a_type_may_hold_a_hyphen() -> None:
    assert entities(["B-work-of-art", "I-work-of-art"]) == [(0, 1, "work-of-art")]


@given(LOOSE_TAGS)
def test_repair_keeps_the_entities_and_is_done_after_once(tags: list[str]) -> None:
    valid, changed = repaired(tags)
    assert entities(valid) == entities(tags)
    assert repaired(valid) == (valid, 0)
    assert changed == sum(a != b for a, b in zip(valid, tags, strict=True))


@given(SENTENCES)
def test_every_scheme_is_recognised_and_read_back(sentences: list[list[str]]) -> None:
    some_entity = any(entities(tags) for tags in sentences)
    for scheme, write in (("iob2", list), ("iob1", to_iob1), ("iobes", to_iobes)):
        written = [lines(write(tags)) for tags in sentences]
        assert scheme_of(written, "f") == (scheme if some_entity else "iob2")
        assert [to_iob2(tags, scheme, "f") for tags in written] == [(t, 0) for t in sentences]


def test_mixed_schemes_are_refused_with_both_lines() -> None:
    mixed = [lines(["O", "I-PER"], 1), lines(["B-LOC"], 4)]
    with pytest.raises(InputError, match=r"f: mixed tag schemes: line 2 .*'I-PER'.* line 4"):
        scheme_of(mixed, "f")


def test_a_stray_inside_tag_under_declared_iob2_begins_an_entity_and_is_counted() -> None:
    assert to_iob2(lines(["O", "I-PER", "I-PER", "I-LOC"]), "iob2", "f") == (
        ["O", "B-PER", "I-PER", "B-LOC"],
        2,
    )


@pytest.mark.parametrize(
    ("scheme", "tags", "complaint"),
    [
        ("iob2", ["O", "S-PER"], "line 2: 'S-PER' marks the end of an entity, against IOB2"),
        ("iob1", ["O", "B-PER"], "line 2: 'B-PER' follows 'O', no entity of its type"),
        ("iob1", ["I-LOC", "B-PER"], "line 2: 'B-PER' follows 'I-LOC'"),
        ("iobes", ["O", "I-PER", "E-PER"], "line 2: 'I-PER' follows 'O'"),
        ("iobes", ["B-PER", "E-LOC"], "line 1: 'B-PER' is followed by 'E-LOC'"),
        ("iobes", ["S-PER", "B-PER"], "line 2: 'B-PER' is followed by 'O'"),
        ("iobes", ["S-PER", "E-PER"], "line 2: 'E-PER' follows 'S-PER'"),
    ],
)
def test_tags_that_break_the_declared_scheme_are_refused(
    scheme: Scheme, tags: list[str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        to_iob2(lines(tags), scheme, "f")


def test_a_tag_set_numbers_outside_first_and_types_in_order() -> None:
    tags = TagSet.of([["B-PER", "I-PER", "O"], ["I-LOC"]])
    assert tags.tags == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert tags.ids(["I-PER", "O"]) == [4, 0]
    with pytest.raises(InputError, match="entity type 'MISC' is none of LOC, PER"):
        tags.ids(["O", "B-MISC"])
