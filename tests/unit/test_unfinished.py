"""Whether a preparation goes on in what an earlier one left."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus import unfinished
from clism_ray.corpus.inputs import Input
from clism_ray.errors import InputError

FILES = CorpusFiles(
    name="a", format="jsonl", path="a.jsonl", source_language="en", target_language="de"
)
OTHER = dataclasses.replace(FILES, path="b.jsonl")
INPUTS = [Input(0, FILES, ("a.jsonl",), False), Input(1, OTHER, ("b.jsonl",), False)]


def made_by(*inputs: Input, **made_of: Any) -> dict[str, Any]:
    return unfinished.made_by(inputs or INPUTS, made_of)


def test_the_same_preparation_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    with unfinished.held(output):
        folder = unfinished.open_folder(output, made_by(shards=3))
        assert capsys.readouterr().err == ""
        (folder / "piece").touch()
        (folder / "piece.0f.part").touch()
    with unfinished.held(output):
        assert unfinished.open_folder(output, made_by(shards=3)) == folder
        assert "goes on" in capsys.readouterr().err
        assert [path.name for path in folder.iterdir()] == ["piece"]
        unfinished.complete(output, folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "piece"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (made_by(shards=4), "made_of.shards: 3 -> 4"),
        (made_by(*INPUTS[::-1], shards=3), "order: ['a/a.jsonl', 'a/b.jsonl'] -> "),
        ({**made_by(shards=3), "code": "new"}, "code: '"),
    ],
)
def test_another_preparation_starts_anew_in_another_folder_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: dict[str, Any], told: str
) -> None:
    output = tmp_path / "out"
    with unfinished.held(output):
        before = unfinished.open_folder(output, made_by(shards=3))
        (before / "piece").touch()
        after = unfinished.open_folder(output, other)
    assert after != before
    assert not list(after.iterdir())
    assert not before.exists()
    assert told in capsys.readouterr().err


def test_the_libraries_that_read_and_make_text_are_noted() -> None:
    assert {"datasets", "pyarrow", "python", "tokenizers"} <= set(made_by()["versions"])


def wiped_by_another(output: Path) -> None:
    unfinished.open_folder(output, made_by(shards=4))


@pytest.mark.parametrize("wipe", [wiped_by_another, unfinished.discard])
def test_what_was_wiped_in_part_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wipe: Callable[[Path], None]
) -> None:
    output = tmp_path / "out"

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with unfinished.held(output):
        pieces = unfinished.open_folder(output, made_by(shards=3))
        (pieces / "one of two pieces").touch()
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", interrupt)
            with pytest.raises(KeyboardInterrupt):
                wipe(output)
        assert list(pieces.iterdir())
        assert not list(unfinished.open_folder(output, made_by(shards=3)).iterdir())


def test_what_no_preparation_left_is_cleared_away(tmp_path: Path) -> None:
    output = tmp_path / "out"
    (tmp_path / "out.unfinished" / "intake").mkdir(parents=True)
    (tmp_path / "out.unfinished" / "intake" / "half").touch()
    with unfinished.held(output):
        folder = unfinished.open_folder(output, made_by())
    assert not list(folder.iterdir())
    assert not (tmp_path / "out.unfinished" / "intake").exists()


def test_one_output_is_prepared_by_one_process_at_a_time(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with unfinished.held(output):
        told = pytest.raises(InputError, match=r"the preparation of .*out is already driven by")
        with told, unfinished.held(output):
            pass
        with unfinished.held(tmp_path / "other"):
            pass
    assert not list(tmp_path.iterdir())


def test_a_complete_output_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").touch()
    with unfinished.held(tmp_path / "out"):
        assert not unfinished.folder_of(tmp_path / "out").exists()
