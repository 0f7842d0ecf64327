"""Removing a run."""

from pathlib import Path

import pytest

from clism_ray.errors import InputError
from clism_ray.hold import hold
from clism_ray.train.checkpoint import folder_of
from clism_ray.train.copies import copy, place_of
from clism_ray.train.removal import remove_run
from jobs.remove import main
from tests.checkpoints import write_checkpoint


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "mine"
    write_checkpoint(folder, 20)
    (folder / "run.json").write_text("{}")
    return folder


def test_a_run_goes_with_all_it_holds_and_others_stay(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "runs" / "other"
    other.mkdir()
    (other / "run.json").write_text("{}")
    gone = remove_run(tmp_path, "mine")
    assert (gone.folder, gone.files) == (run, 7)
    assert gone.bytes > 0
    assert [path.name for path in run.parent.iterdir()] == ["other"]


def test_the_job_removes_nothing_without_a_yes(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["mine", "--storage", str(tmp_path)]
    assert main(command) == 2
    assert "give --yes to remove mine" in capsys.readouterr().err
    assert (run / "run.json").is_file()
    assert main([*command, "--yes"]) == 0
    assert f"removed {run} (7 files" in capsys.readouterr().out
    assert not run.exists()


def test_one_that_a_process_drives_stays(run: Path, tmp_path: Path) -> None:
    with hold(run, "the run 'mine'"), pytest.raises(InputError, match="already driven by process"):
        remove_run(tmp_path, "mine")
    assert (run / "run.json").is_file()


def test_a_name_that_is_not_there_is_told_with_the_closest(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run 'mina' in .*did you mean 'mine'\?"):
        remove_run(tmp_path, "mina")
    with pytest.raises(InputError, match="no runs at all"):
        remove_run(tmp_path / "elsewhere", "mine")


def test_what_is_no_run_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "runs" / "notes").mkdir(parents=True)
    for name in ("notes", "..", "."):
        with pytest.raises(InputError, match="no run"):
            remove_run(tmp_path, name)
    assert (tmp_path / "runs" / "notes").is_dir()


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """Where that run has copies, beside something of another's."""
    (run / "config.yaml").write_text(f"checkpoint: {{copy_to: '{tmp_path / 'copies'}'}}")
    place = place_of(str(tmp_path / "copies"), "mine")
    for rank in range(2):
        assert copy(folder_of(run, 20), rank, place, 2) is None
    return Path(place)


def test_copies_go_too_once_they_were_told(
    run: Path, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the next start of that name would bring the run back."""
    command = ["mine", "--storage", str(tmp_path)]
    assert main(command) == 2
    told = f"mine, with its copies in {copied}"
    assert told in capsys.readouterr().err
    assert (copied / "step-00000020").is_dir()
    assert main([*command, "--yes"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"removing {told}"
    assert second.startswith(f"removed {run}")
    assert not copied.exists()
    assert not run.exists()


def test_what_somebody_else_has_beside_the_copies_stays(copied: Path, tmp_path: Path) -> None:
    (copied / "notes").mkdir()
    remove_run(tmp_path, "mine")
    assert [path.name for path in copied.iterdir()] == ["notes"]


def test_a_run_stays_while_the_place_of_its_copies_cannot_be_reached(
    run: Path, tmp_path: Path
) -> None:
    (run / "config.yaml").write_text("checkpoint: {copy_to: 'nowhere://bucket'}")
    with pytest.raises(InputError, match=r"nowhere://bucket/mine: cannot be .*nothing was removed"):
        remove_run(tmp_path, "mine")
    assert (run / "run.json").is_file()


def test_a_run_that_has_not_copied_yet_goes_as_others_do(run: Path, tmp_path: Path) -> None:
    (run / "config.yaml").write_text(f"checkpoint: {{copy_to: '{tmp_path / 'copies'}'}}")
    assert remove_run(tmp_path, "mine").files == 8
