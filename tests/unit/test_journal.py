"""The journal of a run, and the lines a person reads of it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.train.journal import (
    Entry,
    append,
    append_waiting,
    entry,
    first_of_each,
    read,
    read_from,
)
from clism_ray.train.progress import describe


def at(step: int, kind: str = "train", **values: float) -> Entry:
    return Entry(1000 + step, kind, step, values)


def test_entries_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    entries = [
        at(1, loss=0.1),
        at(1, "validation", accuracy=0.5),
        entry("event", 1, {"status": "x"}),
    ]
    append(path, entries[:1])
    append(path, entries[1:])
    append(path, [])
    assert read(path) == entries
    assert read(tmp_path / "none.jsonl") == []


def test_reading_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append(path, [at(1)])
    first, position = read_from(path, 0)
    append(path, [at(2)])
    second, position = read_from(path, position)
    assert (first, second) == ([at(1)], [at(2)])
    assert read_from(path, position) == ([], position)


def test_a_line_still_being_written_is_not_read_and_is_read_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append(path, [at(1), at(2)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    entries, position = read_from(path, 0)
    assert entries == [at(1)]
    path.write_bytes(whole)
    assert read_from(path, position)[0] == [at(2)]


def test_a_line_torn_by_a_crash_spoils_none_that_follow(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append(path, [at(1), at(2)])
    path.write_bytes(path.read_bytes()[:-5])
    append(path, [at(2), at(3)])
    assert read(path) == [at(1), at(2), at(3)]
    path.write_bytes(b'{"tim')
    append(path, [at(1)])
    assert read(path) == [at(1)]


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """As on a full disk, part of a write finds room and the rest does not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_entries_that_find_no_room_leave_the_journal_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append(path, [at(1)])
    size = path.stat().st_size
    with files_no_longer_than(2 * size + 5), pytest.raises(OSError, match="too large"):
        append(path, [at(2), at(3)])
    assert path.stat().st_size == size


def test_entries_wait_for_room_and_are_then_written_whole_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    waiting = [at(1)]
    append_waiting(path, waiting)
    _, position = read_from(path, 0)
    for step in (2, 3):
        waiting.append(at(step))
        with files_no_longer_than(path.stat().st_size + 5):
            append_waiting(path, waiting)
    assert waiting == [at(2), at(3)]
    waiting.append(at(4))
    append_waiting(path, waiting)
    assert waiting == []
    assert read_from(path, position)[0] == [at(2), at(3), at(4)]
    assert read(path) == [at(1), at(2), at(3), at(4)]


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=4))
def test_steps_that_ran_again_after_a_restart_count_once(
    first: int, restarts: list[tuple[int, int]]
) -> None:
    entries = [at(step) for step in range(1, first + 1)]
    reached = first
    for back, ahead in restarts:
        begin = max(0, reached - back)
        entries += [at(step, again=1.0) for step in range(begin + 1, begin + ahead + 1)]
        reached = max(reached, begin + ahead)
    kept = list(first_of_each(entries))
    assert [item.step for item in kept] == list(range(1, reached + 1))
    assert [item.values for item in kept[:first]] == [{}] * first


def test_events_are_all_kept_and_kinds_are_told_apart() -> None:
    entries = [at(5), at(5, "validation"), at(5, "event"), at(5, "event"), at(5)]
    assert list(first_of_each(entries)) == entries[:4]


TRAIN = at(
    250,
    **{"loss/total": 3.25, "loss/clism": 2.0, "loss/cacr": 1.0, "loss/mlm": 0.25},
    **{"cacr/target_masked": 0.3, "cacr/plain_masked": 0.3, "cacr/target_plain": 0.4},
    **{"accuracy/train": 0.5, "speed/pairs_per_second": 40.0, "speed/data_wait": 0.02},
)


def test_a_person_reads_losses_speed_and_the_time_left() -> None:
    line = describe(TRAIN, 1000, 0.5, person=True)
    assert "250/1000" in line
    assert "3.250" in line
    assert "50.0%" in line
    assert "left 0:06:15" in line


def test_more_than_a_day_left_is_not_told_as_less() -> None:
    assert "left 1 day, 2:02:30" in describe(TRAIN, 1000, 125.0, person=True)


def test_a_program_reads_key_value_pairs() -> None:
    line = describe(TRAIN, 1000, 0.5, person=False)
    assert line.startswith("train step=250 steps=1000 loss/total=3.25 ")
    assert dict(part.split("=") for part in line.split()[1:])["loss/mlm"] == "0.25"


def test_a_validation_names_every_language() -> None:
    values = {"validation/accuracy": 0.6, "validation/accuracy/en-de": 0.75}
    line = describe(at(500, "validation", **values), 1000, 0.5, person=True)
    assert "exact spans 60.0%" in line
    assert "en-de 75.0%" in line
    program = describe(at(500, "validation", **values), 1000, 0.5, person=False)
    assert "validation/accuracy/en-de=0.75" in program


def test_a_run_that_asks_nothing_is_told_without_questions() -> None:
    asked = ("loss/clism", "accuracy/train")
    silent = {name: value for name, value in TRAIN.values.items() if name not in asked}
    line = describe(at(250, **silent), 1000, 0.5, person=True)
    assert "(cacr 1.000  mlm 0.250)" in line
    assert "exact" not in line
    values = {"validation/retrieval": 0.5, "validation/retrieval/en-de": 0.25}
    told = describe(at(500, "validation", **values), 1000, 0.5, person=True)
    assert "translations found 50.0%  (en-de 25.0%)" in told
    values = {"validation/loss/total": 7.5, "validation/perplexity": 9.0}
    assert "held out: loss 7.500" in describe(at(500, "validation", **values), 1000, 0.5, True)


def test_an_event_says_how_the_run_stands_and_why() -> None:
    event = Entry(0, "event", 7, {"status": "failed", "step": 7, "problem": "no room"})
    assert describe(event, 10, 0.0, person=True) == "failed at step 7: no room"
    assert describe(Entry(0, "event", 7, {"status": "stopped"}), 10, 0.0, person=False) == (
        "stopped at step 7"
    )
