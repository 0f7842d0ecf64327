"""A run that goes on in another storage."""

from pathlib import Path

import pytest

from clism_ray.errors import InputError
from clism_ray.train.checkpoint import complete, folder_of, steps_saved
from clism_ray.train.handover import bring
from clism_ray.train.journal import JOURNAL
from tests.checkpoints import shards, write_checkpoint


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    run = tmp_path / "there"
    for step in (20, 40):
        write_checkpoint(run, step)
    (run / "tokenizer").mkdir()
    (run / "tokenizer" / "tokenizer.json").write_text("{}")
    (run / JOURNAL).write_text("lines\n")
    (run / "validating-00000040").mkdir()
    (run / "validating-00000020.json").write_text("{}")
    return run


def test_the_newest_checkpoint_comes_with_what_belongs_to_it(origin: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "tokenizer").mkdir(parents=True)  # of a start that got no further
    assert bring(origin, here, "abc") == 40
    assert steps_saved(here) == [40]
    assert complete(folder_of(here, 40)) == complete(folder_of(origin, 40))
    assert (here / "tokenizer" / "tokenizer.json").read_text() == "{}"
    assert (here / JOURNAL).read_text() == "lines\n"
    assert (here / "validating-00000040").is_dir()
    assert (here / "validating-00000020.json").is_file()
    assert not list(here.rglob("*.partial.*"))


@pytest.mark.parametrize(
    ("store", "comes"),
    [
        ("http://me:secret@tracking:5000", True),
        ("http://me:newer@tracking:5000", True),
        ("http://other:5000", False),
        (None, False),
    ],
)
def test_a_run_stays_one_in_a_store_that_both_storages_tell(
    store: str | None, comes: bool, origin: Path, tmp_path: Path
) -> None:
    (origin / "config.yaml").write_text("tracking: {uri: 'http://me:***@tracking:5000'}")
    for name in ("run.json", "tracking.json"):
        (origin / name).write_text("{}")
    bring(origin, tmp_path / "here", "abc", store)
    assert (tmp_path / "here" / "run.json").is_file() is comes
    assert (tmp_path / "here" / "tracking.json").is_file() is comes


def test_a_damaged_one_is_told_and_the_one_before_it_taken(
    origin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = shards(folder_of(origin, 40))[1][0]
    shard.write_bytes(shard.read_bytes()[::-1])
    assert bring(origin, tmp_path / "here", "abc") == 20
    assert "step-00000040: unfinished or damaged" in capsys.readouterr().out


def test_a_run_of_other_settings_is_refused(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"step 40 is of other settings \(identity abc, .* xyz\)"):
        bring(origin, tmp_path / "here", "xyz")
    assert not (tmp_path / "here").exists()


def test_a_folder_without_a_whole_checkpoint_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "there", 20, ranks=(0,))
    with pytest.raises(InputError, match="no whole checkpoint there"):
        bring(tmp_path / "there", tmp_path / "here", "abc")
