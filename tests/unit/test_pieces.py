"""Pieces of a work: whole or not there, made once, counted once."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.pieces import once, remove_parts, whole

KEYS = st.tuples(st.text(), st.text(), st.integers(0, 9))


def interrupted() -> tuple[Counter[str]]:
    raise KeyboardInterrupt


def never() -> tuple[Counter[str]]:
    raise AssertionError("made a second time")


def write_half(path: Path) -> None:
    with whole(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt


def test_a_file_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "made" / "file"
    with pytest.raises(KeyboardInterrupt):
        write_half(path)
    assert not list(path.parent.iterdir())
    with whole(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert [(p.name, p.read_text()) for p in path.parent.iterdir()] == [("file", "whole")]


def test_two_that_make_the_same_folder_both_end_well(tmp_path: Path) -> None:
    path = tmp_path / "tables"
    with whole(path) as first, whole(path) as second:
        for part in (first, second):
            part.mkdir()
            (part / "words").write_text("the same")
    assert [p.name for p in tmp_path.rglob("*")] == ["tables", "words"]


def test_what_killed_processes_left_is_removed_and_pieces_stay(tmp_path: Path) -> None:
    for name in ("tables", "shard"):
        with whole(tmp_path / name) as part:
            part.mkdir()
            (part / "words").write_text("x")
            left = tmp_path / "train" / part.name
            left.mkdir(parents=True)
            (left / "words").write_text("x")
    (tmp_path / "train" / left.name.replace("shard", "file")).write_text("half")
    remove_parts(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shard", "tables", "train"]
    assert not list((tmp_path / "train").iterdir())


@given(st.lists(st.dictionaries(KEYS, st.integers(0, 10**12)), max_size=3))
def test_what_was_counted_is_remembered(
    tmp_path_factory: pytest.TempPathFactory, counts: list[dict[tuple[str, str, int], int]]
) -> None:
    path = tmp_path_factory.mktemp("once") / "counts.json"
    counters = tuple(Counter(entry) for entry in counts)
    assert once(path, lambda: counters) == (counters, True)
    assert once(path, never) == (counters, False)


def test_a_piece_whose_making_was_cut_short_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    with pytest.raises(KeyboardInterrupt):
        once(path, interrupted)
    assert once(path, lambda: (Counter("a"),)).is_new
