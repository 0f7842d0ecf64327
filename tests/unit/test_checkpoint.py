"""Which checkpoints count, and which are kept."""

import json
from pathlib import Path

import pytest

from clism_ray.errors import InputError, Unavailable
from clism_ray.train.checkpoint import (
    RunState,
    complete,
    folder_of,
    intact,
    keep_newest,
    metrics_in,
    set_aside,
    state_files,
    steps_saved,
    write_list,
)
from tests.checkpoints import WORKERS, shards
from tests.checkpoints import write_checkpoint as save


def test_a_checkpoint_with_every_list_is_complete_and_tells_its_state(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    assert complete(folder) == RunState(500, WORKERS, "abc")
    for workers in (1, 2, 3):
        assert all(intact(folder, rank, workers) for rank in range(workers))


def test_every_file_is_on_the_list_of_the_rank_that_wrote_it(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    for rank, paths in shards(folder).items():
        listed = json.loads((folder / f"rank-{rank:05d}.json").read_text())["files"]
        metrics = {"metrics.jsonl"} if rank == 0 else set()
        assert set(listed) == {str(path.relative_to(folder)) for path in paths} | metrics


@pytest.mark.parametrize("missing", [0, 1])
def test_without_one_ranks_list_it_was_not_finished(tmp_path: Path, missing: int) -> None:
    folder = save(tmp_path, 500, ranks=(1 - missing,))
    assert complete(folder) is None


@pytest.mark.parametrize("rank", [0, 1])
def test_with_a_file_missing_or_of_another_size_it_does_not_count(
    tmp_path: Path, rank: int
) -> None:
    folder = save(tmp_path, 500)
    path = shards(folder)[rank][0]
    path.write_bytes(path.read_bytes()[:-1])
    assert complete(folder) is None
    path.unlink()
    assert complete(folder) is None


@pytest.mark.parametrize(("workers", "finder"), [(1, 0), (2, 1), (3, 1)])
def test_a_changed_byte_is_found_by_the_rank_that_looks_after_it(
    tmp_path: Path, workers: int, finder: int
) -> None:
    folder = save(tmp_path, 500)
    path = shards(folder)[1][0]
    path.write_bytes(b"S" + path.read_bytes()[1:])
    assert complete(folder) is not None  # sizes alone don't tell
    found = [rank for rank in range(workers) if not intact(folder, rank, workers)]
    assert found == [finder]


def test_damaged_metrics_are_damage_like_any_other(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    path = folder / "metrics.jsonl"
    written = path.read_bytes()
    path.write_bytes(b"[" + written[1:])
    assert [intact(folder, rank, WORKERS) for rank in range(WORKERS)] == [False, True]
    path.write_bytes(written[:-1])
    assert complete(folder) is None
    path.unlink()
    assert complete(folder) is None


def test_a_checkpoint_whose_list_does_not_know_its_metrics_still_counts(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    path = folder / "rank-00000.json"
    listed = json.loads(path.read_text())
    del listed["files"]["metrics.jsonl"]
    path.write_text(json.dumps(listed))
    assert intact(folder, 0, 1)
    assert [entry.step for entry in metrics_in(folder)] == [500]


def test_what_others_began_and_left_is_not_of_it(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    (folder / "state-00002-000.safetensors").write_bytes(b"a third worker's, which died")
    wanted = [path for paths in shards(folder).values() for path in paths]
    assert state_files(folder) == wanted


def test_lists_of_two_attempts_do_not_make_one_checkpoint(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    write_list(folder, 1, RunState(500, 3, "abc"))
    assert complete(folder) is None


def test_a_checkpoint_of_another_version_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    path = folder / "rank-00000.json"
    listed = json.loads(path.read_text())
    listed["state"]["zero_stage"] = 2
    path.write_text(json.dumps(listed))
    with pytest.raises(InputError, match=r"step-00000500: a checkpoint of another version"):
        complete(folder)


def test_a_list_cut_short_is_no_list(tmp_path: Path) -> None:
    folder = save(tmp_path, 500)
    path = folder / "rank-00001.json"
    path.write_text(path.read_text()[:-9])
    assert complete(folder) is None
    assert not intact(folder, 1, WORKERS)


@pytest.mark.parametrize("text", ["null", "[]", '{"stbte": {}, "files": {}}'])
def test_a_list_that_is_json_of_another_form_is_no_list(tmp_path: Path, text: str) -> None:
    folder = save(tmp_path, 500)
    (folder / "rank-00000.json").write_text(text)
    assert complete(folder) is None


def make_unreadable(path: Path) -> None:
    """A path that leads to itself: as with a storage that fails, nobody knows what is there."""
    if path.is_dir():
        path.rename(path.with_name("elsewhere"))
    else:
        path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize("name", ["rank-00001.json", "state-00001-000.safetensors"])
def test_what_cannot_be_read_is_not_taken_for_damaged_nor_deleted(
    tmp_path: Path, name: str
) -> None:
    for step in (100, 200, 300):
        save(tmp_path, step)
    folder = folder_of(tmp_path, 300)
    make_unreadable(folder / name)
    with pytest.raises(Unavailable, match=rf"step-00000300/{name}: cannot be read .*may be sound"):
        complete(folder)
    keep_newest(tmp_path, 1, after=300)
    assert steps_saved(tmp_path) == [300, 200]


def test_where_checkpoints_cannot_be_listed_none_is_not_the_answer(tmp_path: Path) -> None:
    save(tmp_path, 100)
    make_unreadable(tmp_path / "checkpoints")
    with pytest.raises(Unavailable, match=r"checkpoints: cannot be read"):
        steps_saved(tmp_path)


def test_checkpoints_none_of_which_holds_are_set_aside_each_time(tmp_path: Path) -> None:
    for number in (1, 2):
        save(tmp_path, 100)
        assert set_aside(tmp_path) == tmp_path / f"checkpoints.set-aside-{number}"
        assert steps_saved(tmp_path) == []
        assert (tmp_path / f"checkpoints.set-aside-{number}" / "step-00000100").is_dir()


def test_what_was_never_finished_is_not_set_aside(tmp_path: Path) -> None:
    assert set_aside(tmp_path) is None
    save(tmp_path, 100, ranks=())
    assert set_aside(tmp_path) is None
    assert steps_saved(tmp_path) == [100]


def test_checkpoints_come_newest_first_and_other_folders_are_none(tmp_path: Path) -> None:
    assert steps_saved(tmp_path) == []
    for step in (500, 20, 1000):
        save(tmp_path, step)
    (tmp_path / "checkpoints" / "notes").mkdir()
    assert steps_saved(tmp_path) == [1000, 500, 20]


def test_the_newest_complete_ones_are_kept_and_unfinished_ones_are_not(tmp_path: Path) -> None:
    for step in (100, 200, 300, 500):
        save(tmp_path, step)
    save(tmp_path, 400, ranks=(0,))
    keep_newest(tmp_path, 2, after=500)
    assert steps_saved(tmp_path) == [500, 300]


def test_what_lies_beyond_the_step_just_saved_belongs_to_a_discarded_future(
    tmp_path: Path,
) -> None:
    for step in (100, 200, 300):
        save(tmp_path, step)
    keep_newest(tmp_path, 2, after=200)
    assert steps_saved(tmp_path) == [200, 100]
