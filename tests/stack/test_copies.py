"""Checkpoints copied to another place: a folder, and an S3-compatible store of this machine."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec import AbstractFileSystem
from pyarrow import fs

from clism_ray.corpus.storage import system_of
from clism_ray.errors import InputError
from clism_ray.train import copied_records
from clism_ray.train.checkpoint import complete, folder_of, intact, steps_saved
from clism_ray.train.copies import any_at, copy, fetch_newest, place_of, remove
from tests.checkpoints import write_checkpoint
from tests.object_store import object_store

IDENTITY = "abc"  # of `write_checkpoint`


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """What a URI must end in for the server, which holds an empty bucket."""
    with object_store() as (_, options):
        yield options


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, store: str) -> str:
    """Where a run's copies go."""
    test = re.sub(r"\W", "-", request.node.name)
    return place_of(
        str(tmp_path / "copies") if request.param == "folder" else f"s3://bucket/{test}{store}",
        "run",
    )


def saved_and_copied(
    run: Path, place: str, *steps: int, keep: int = 2, ranks: tuple[int, ...] = (0, 1)
) -> None:
    for step in steps:
        folder = write_checkpoint(run, step)
        for rank in ranks:
            assert copy(folder, rank, place, keep) is None


def steps_at(place: str) -> list[str]:
    system, inner = system_of(place)
    return sorted(entry.base_name for entry in system.get_file_info(fs.FileSelector(inner)))


def files_below(folder: Path) -> dict[str, str]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_the_newest_copy_is_fetched_as_it_was_written(tmp_path: Path, place: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    saved_and_copied(here, place, 20, 40)
    assert fetch_newest(place, there, IDENTITY) == 40
    assert steps_saved(there) == [40]
    assert intact(folder_of(there, 40), rank=0, workers=1)
    names = [{path.name for path in folder_of(run, 40).iterdir()} for run in (here, there)]
    assert names[0] == names[1]
    assert fetch_newest(place, there, IDENTITY) is None, "it has one as new"
    write_checkpoint(there, 60)
    assert fetch_newest(place, there, IDENTITY) is None, "it has a newer one"


def test_the_record_the_curve_and_the_best_model_come_along(tmp_path: Path, place: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    texts = {"run.json": "{}", "tracking.json": '{"key": "k"}', "journal.jsonl": "1\n"}
    texts |= {"best.json": '{"accuracy": 0.5}', "best/config.json": "old"}

    def write(changes: dict[str, str]) -> None:
        for name, text in changes.items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_text(text)

    write(texts)
    saved_and_copied(here, place, 20)
    write({"best/config.json": "not told yet", "journal.jsonl": "1\n2\n"})
    saved_and_copied(here, place, 40)
    there.mkdir()
    (there / "tracking.json").write_text("its own")
    assert fetch_newest(place, there, IDENTITY) == 40
    found = {name: (there / name).read_text() for name in texts}
    assert found == texts | {"tracking.json": "its own", "journal.jsonl": "1\n2\n"}
    write({"best.json": '{"accuracy": 0.7}', "best/config.json": "new"})
    saved_and_copied(here, place, 60)
    assert fetch_newest(place, tmp_path / "third", IDENTITY) == 60
    assert (tmp_path / "third" / "best" / "config.json").read_text() == "new"
    assert not list(tmp_path.rglob("*.partial.*"))


def test_the_tokenizer_comes_in_the_place_of_one_that_was_made_anew(
    tmp_path: Path, place: str
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    texts = {"tokenizer.json": "{}", "more/template.jinja": "text"}
    for run, text in ((here, texts), (there, {"tokenizer.json": "made anew", "other": ""})):
        for name, content in text.items():
            (run / "tokenizer" / name).parent.mkdir(parents=True, exist_ok=True)
            (run / "tokenizer" / name).write_text(content)
    saved_and_copied(here, place, 20)
    for run in (there, tmp_path / "third"):
        assert fetch_newest(place, run, IDENTITY) == 20
        assert files_below(run / "tokenizer") == texts
        assert not list(run.rglob("*.partial*"))
    system, inner = system_of(place)
    with system.open_output_stream(f"{inner}/tokenizer/tokenizer.json") as cut_short:
        cut_short.write(b"{")
    saved_and_copied(here, place, 40)
    assert fetch_newest(place, tmp_path / "fourth", IDENTITY) == 40
    assert files_below(tmp_path / "fourth" / "tokenizer") == texts


def test_what_could_not_all_be_fetched_is_fetched_by_the_next_start(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    for name in ("run.json", "journal.jsonl"):
        (here / name).write_text(name)
    saved_and_copied(here, place, 20)
    with monkeypatch.context() as patch:

        def fail(*_: Any) -> None:
            raise OSError("the network is gone")

        patch.setattr(copied_records, "_fetch_file", fail)
        with pytest.raises(InputError, match=r"cannot be read: the network is gone"):
            fetch_newest(place, there, IDENTITY)
    assert not steps_saved(there)
    assert fetch_newest(place, there, IDENTITY) == 20
    assert (there / "journal.jsonl").read_text() == "journal.jsonl"


def test_before_anything_is_copied_there_is_nothing_to_fetch(tmp_path: Path, place: str) -> None:
    assert fetch_newest(place, tmp_path, IDENTITY) is None


@pytest.mark.parametrize("lost", [0, 1])
def test_a_copy_that_one_rank_did_not_end_is_passed_over(
    tmp_path: Path, place: str, lost: int, capsys: pytest.CaptureFixture[str]
) -> None:
    saved_and_copied(tmp_path / "here", place, 20)
    saved_and_copied(tmp_path / "here", place, 40, ranks=(1 - lost,))
    assert fetch_newest(place, tmp_path / "there", IDENTITY) == 20
    assert "step 40 was not copied whole; an older one is taken" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["state-00001-000.safetensors", "metrics.jsonl"])
def test_a_copy_that_was_damaged_is_passed_over(
    tmp_path: Path, place: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    saved_and_copied(tmp_path / "here", place, 20, 40)
    system, inner = system_of(place)
    path = f"{inner}/step-00000040/{name}"
    size = system.get_file_info(path).size
    with system.open_output_stream(path) as file:
        file.write(b"x" * size)
    assert fetch_newest(place, tmp_path / "there", IDENTITY) == 20
    assert "step 40 is damaged; an older one is taken" in capsys.readouterr().out
    assert steps_saved(tmp_path / "there") == [20]


def test_a_sound_copy_replaces_a_checkpoint_that_was_damaged_here(
    tmp_path: Path, place: str
) -> None:
    saved_and_copied(tmp_path, place, 20, 40)
    shard = folder_of(tmp_path, 40) / "state-00001-000.safetensors"
    shard.write_bytes(shard.read_bytes()[::-1])
    assert fetch_newest(place, tmp_path, IDENTITY) == 40
    assert intact(folder_of(tmp_path, 40), rank=0, workers=1)


def test_of_whole_copies_so_many_are_kept_and_the_one_that_is_being_made(
    tmp_path: Path, place: str
) -> None:
    saved_and_copied(tmp_path, place, 20, 40, 60)
    folder = write_checkpoint(tmp_path, 80)
    copy(folder, 0, place, 2)  # the other worker is slower
    assert steps_at(place) == ["step-00000040", "step-00000060", "step-00000080"]
    copy(folder, 1, place, 2)
    copy(folder, 0, place, 2)
    assert steps_at(place) == ["step-00000060", "step-00000080"]


def test_copies_are_removed_with_all_that_came_along(tmp_path: Path, place: str) -> None:
    for name in ("run.json", "best.json", "best/config.json", "tokenizer/tokenizer.json"):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_text(name)
    assert not any_at(place)
    remove(place)  # nothing
    saved_and_copied(tmp_path / "run", place, 20, 40)
    assert any_at(place)
    remove(place)
    assert not any_at(place)
    assert fetch_newest(place, tmp_path / "there", IDENTITY) is None


def test_a_copy_of_other_settings_is_refused(tmp_path: Path, place: str) -> None:
    saved_and_copied(tmp_path / "here", place, 20)
    with pytest.raises(InputError, match=r"of step 20 there is of other settings.*another name="):
        fetch_newest(place, tmp_path / "there", "other")
    assert complete(folder_of(tmp_path / "there", 20)) is None


class Locked(AbstractFileSystem):
    """A store whose library raises what is no OSError, as Azure's does."""

    protocol = "locked"

    def __getattribute__(self, name: str) -> Any:
        if name in {"info", "ls", "find", "mkdir", "makedirs"}:
            raise RuntimeError("the account is locked")
        return super().__getattribute__(name)


def test_what_a_library_raises_of_its_own_is_told_too(tmp_path: Path) -> None:
    fsspec.register_implementation("locked", Locked, clobber=True)
    folder = write_checkpoint(tmp_path, 20)
    told = copy(folder, 0, "locked://bucket/run", 2)
    assert told == "step-00000020 was not copied to locked://bucket/run: the account is locked"
    with pytest.raises(InputError, match=r"copy_to: locked://bucket/run cannot be read: the acc"):
        fetch_newest("locked://bucket/run", tmp_path / "there", IDENTITY)


def test_a_place_that_is_away_is_told_and_stops_no_writing(tmp_path: Path) -> None:
    away = place_of("s3://bucket/x?endpoint_override=http://127.0.0.1:9", "run")
    folder = write_checkpoint(tmp_path, 20)
    told = copy(folder, 0, away, 2)
    assert told is not None
    assert told.startswith("step-00000020 was not copied to s3://bucket/x/run")
    with pytest.raises(
        InputError, match=r"checkpoint\.copy_to: s3://bucket/x/run.* cannot be read"
    ):
        fetch_newest(away, tmp_path / "there", IDENTITY)
    with pytest.raises(InputError, match=r"^s3://bucket/x/run.*: cannot be reached"):
        any_at(away)
