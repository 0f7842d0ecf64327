"""Examples to a micro-batch, and a micro-batch to bytes and back."""

import dataclasses
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.masking.collate import (
    collate,
    empty_batch,
    from_bytes,
    make_batch,
    to_bytes,
    with_targets_alone,
)
from clism_ray.records import IGNORED, Batch, Example

LANGUAGES = ("en-de", "en-zh")
IDS = st.integers(5, 99)
KEYS = st.integers(-(2**63), 2**63 - 1)
DROPPED = st.dictionaries(st.sampled_from(["too_long", "no_span"]), st.integers(1, 99))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """[0] masked source [1] target [1], with questions, answers and masks anywhere inside."""
    masked = draw(st.lists(IDS, min_size=1, max_size=5))
    target = draw(st.lists(IDS, min_size=1, max_size=5))
    plain = draw(st.lists(IDS, min_size=1, max_size=5))
    source_range = (1, 1 + len(masked))
    target_range = (source_range[1] + 1, source_range[1] + 1 + len(target))
    questions = draw(st.sets(st.integers(1, source_range[1] - 1), max_size=3))
    place = st.integers(target_range[0], target_range[1] - 1)
    masks = draw(st.sets(place, max_size=3))
    return Example(
        row_id=draw(st.integers(0, 10**9)),
        language=draw(st.sampled_from(LANGUAGES)),
        source_key=draw(KEYS),
        target_key=draw(KEYS),
        joint_ids=(0, *masked, 1, *target, 1),
        plain_ids=(0, *plain, 1),
        masked_source=source_range,
        target=target_range,
        questions=tuple(sorted(questions)),
        answers=tuple((draw(place), draw(place)) for _ in questions),
        mlm_positions=tuple(sorted(masks)),
        mlm_labels=tuple(draw(IDS) for _ in masks),
    )


BATCHES = st.builds(
    collate,
    st.lists(examples(), max_size=4),
    st.just(LANGUAGES),
    DROPPED,
    st.lists(st.integers(0, 10**9), max_size=3),
)


def equal(one: Batch, other: Batch) -> bool:
    return one.dropped == other.dropped and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        and getattr(other, field.name).dtype == np.int64
        for field in dataclasses.fields(Batch)
        if field.name != "dropped"
    )


@given(BATCHES)
def test_a_batch_comes_back_from_its_bytes(batch: Batch) -> None:
    assert equal(batch, from_bytes(to_bytes(batch)))


@given(st.lists(examples(), min_size=1, max_size=4))
def test_sequences_lie_end_to_end_joint_ones_first(given_examples: list[Example]) -> None:
    batch = collate(given_examples, LANGUAGES, {})
    sequences = [tuple(batch.ids_T[a:b]) for a, b in pairwise(batch.offsets_N1)]
    joint, plain = ([e.joint_ids for e in given_examples], [e.plain_ids for e in given_examples])
    assert sequences == joint + plain
    assert batch.offsets_N1[0] == 0
    assert batch.offsets_N1[-1] == len(batch.ids_T)


@given(st.lists(examples(), min_size=1, max_size=4))
def test_pools_are_a_sentences_own_tokens_without_the_special_ones(
    given_examples: list[Example],
) -> None:
    batch = collate(given_examples, LANGUAGES, {})
    size = len(given_examples)
    for index, example in enumerate(given_examples):
        pooled = [tuple(batch.ids_T[batch.pool_T == n * size + index]) for n in range(3)]
        assert pooled == [
            example.joint_ids[slice(*example.masked_source)],
            example.joint_ids[slice(*example.target)],
            example.plain_ids[1:-1],
        ]
    special = np.isin(batch.ids_T, [0, 1])
    assert np.array_equal(batch.pool_T == -1, special)


@given(st.lists(examples(), min_size=1, max_size=4))
def test_types_are_one_for_the_target_and_what_closes_it(given_examples: list[Example]) -> None:
    batch = collate(given_examples, LANGUAGES, {})
    for example, (start, stop) in zip(given_examples, pairwise(batch.offsets_N1), strict=False):
        expected = [int(place >= example.target[0]) for place in range(stop - start)]
        assert batch.types_T[start:stop].tolist() == expected
    assert not batch.types_T[batch.offsets_N1[len(given_examples)] :].any()


@given(st.lists(examples(), min_size=1, max_size=4))
def test_places_of_an_example_move_with_its_sequence(given_examples: list[Example]) -> None:
    batch = collate(given_examples, LANGUAGES, {})
    starts = batch.offsets_N1.tolist()
    moved = [
        (starts[n] + question, starts[n] + first, starts[n] + last)
        for n, example in enumerate(given_examples)
        for question, (first, last) in zip(example.questions, example.answers, strict=True)
    ]
    found = zip(batch.question_Q, batch.start_Q, batch.end_Q, strict=True)
    nothing = [(0, IGNORED, IGNORED)]
    assert [tuple(map(int, places)) for places in found] == (moved or nothing)
    masks = [
        starts[n] + p for n, example in enumerate(given_examples) for p in example.mlm_positions
    ]
    labels = [label for example in given_examples for label in example.mlm_labels]
    assert batch.masked_M.tolist() == (masks or [0])
    assert batch.label_M.tolist() == (labels or [IGNORED])
    assert batch.row_id_B.tolist() == [example.row_id for example in given_examples]
    assert [LANGUAGES[n] for n in batch.language_B] == [e.language for e in given_examples]
    keys = zip(batch.source_key_B.tolist(), batch.target_key_B.tolist(), strict=True)
    assert list(keys) == [(e.source_key, e.target_key) for e in given_examples]


@given(st.lists(examples(), min_size=1, max_size=4))
def test_each_target_follows_alone_as_it_was_before_masking(given_examples: list[Example]) -> None:
    batch = collate(given_examples, LANGUAGES, {})
    more = with_targets_alone(batch)
    size, first = len(given_examples), len(batch.ids_T)
    assert np.array_equal(more.offsets_N1[: 2 * size + 1], batch.offsets_N1)
    assert np.array_equal(more.ids_T[:first], batch.ids_T)
    assert np.array_equal(more.pool_T[:first], batch.pool_T)
    alone = list(pairwise(more.offsets_N1))[2 * size :]
    assert len(alone) == size
    for index, (example, (start, stop)) in enumerate(zip(given_examples, alone, strict=True)):
        clean = list(example.joint_ids)
        for place, label in zip(example.mlm_positions, example.mlm_labels, strict=True):
            clean[place] = label
        target = clean[slice(*example.target)]
        assert more.ids_T[start:stop].tolist() == [0, *target, 1]
        assert more.pool_T[start:stop].tolist() == [-1, *[3 * size + index] * len(target), -1]
        assert not more.types_T[start:stop].any()
    assert more.types_T.dtype == more.ids_T.dtype == more.pool_T.dtype == np.int64
    assert more.offsets_N1[-1] == len(more.ids_T) == len(more.types_T) == len(more.pool_T)


def test_pairs_without_an_example_are_counted_by_reason() -> None:
    batch = make_batch([8, 3, 5], ["too_long", "no_span", "too_long"], LANGUAGES)
    assert batch.dropped == {"too_long": 2, "no_span": 1}
    assert batch.left_out_R.tolist() == [8, 3, 5]
    assert equal(batch, empty_batch(batch.dropped, [8, 3, 5]))


def test_an_empty_batch_has_one_dummy_pair_that_nothing_counts() -> None:
    batch = empty_batch()
    assert batch.row_id_B.tolist() == [-1]
    labels = np.concatenate([batch.start_Q, batch.end_Q, batch.label_M])
    assert set(labels.tolist()) == {IGNORED}
    assert set(batch.pool_T.tolist()) == {0, 1, 2}  # every pool has something to average
