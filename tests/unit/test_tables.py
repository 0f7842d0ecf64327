"""Alignment tables: the same sample, the same tables."""

import json
import os
import shutil
from errno import EDQUOT
from pathlib import Path

import pytest

from clism_ray.corpus import systran
from clism_ray.corpus.linker import Fitted
from clism_ray.corpus.tables import fit, function_words, open_tables
from clism_ray.errors import InputError, Unavailable

PAIRS = [
    (f"then {name} saw the {noun}", f"dann sah {name} {german}")
    for name in ("Tom", "Mary", "Bob")
    for noun, german in (("house", "das Haus"), ("tree", "den Baum"), ("dog", "den Hund"))
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("tables")
    return folder, fit(PAIRS, folder, iterations=5)


def test_tables_know_how_often_and_in_what_case_they_saw_a_word(tables: tuple[Path, str]) -> None:
    known = open_tables(tables[0])
    assert (known.frequency["tom"], known.frequency["saw"]) == (3, 9)
    assert set(known.casing.names) == {"tom", "mary", "bob"}
    assert "house" in known.casing.common
    assert isinstance(known.linker, Fitted)
    entries = known.lexicon.entries(["house"])[0], known.lexicon.entries(["haus"])[1]
    assert known.lexicon.trust(*entries) == pytest.approx(2 / 3, abs=1e-4)
    of_source, of_target = known.vocabulary.features(["the", "den", "tom"], ["the", "den", "tom"])
    assert of_source.is_function_W.tolist() == [True, False, False]
    assert of_target.is_function_W.tolist() == [False, True, False]


def test_the_same_sample_gives_the_same_tables(tables: tuple[Path, str], tmp_path: Path) -> None:
    assert fit(PAIRS, tmp_path / "again", iterations=5) == tables[1]


def test_another_sample_gives_other_tables(tables: tuple[Path, str], tmp_path: Path) -> None:
    assert fit(PAIRS[:-1], tmp_path / "other", iterations=5) != tables[1]


def test_an_empty_side_does_not_spoil_the_tables(tables: tuple[Path, str], tmp_path: Path) -> None:
    assert fit([("", "x"), ("x", " "), *PAIRS], tmp_path / "t", iterations=5) == tables[1]


def test_for_an_encoder_words_are_counted_and_nothing_is_fitted(
    tables: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    digest = fit(PAIRS, folder, iterations=5, method="neural", encoder={"model": "0f3a"})
    assert [path.name for path in folder.iterdir()] == ["words.json"]
    known = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    assert (known["encoder"], known["translations"]) == ({"model": "0f3a"}, None)
    by_table = open_tables(tables[0])
    by_encoder = open_tables(folder, by_table.linker)  # any linker will do
    assert by_encoder.linker is by_table.linker
    assert (by_encoder.frequency, by_encoder.casing) == (by_table.frequency, by_table.casing)
    again = fit(PAIRS, tmp_path / "other", 5, "neural", encoder={"model": "another"})
    assert again != digest


def test_an_empty_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sentence pairs to fit"):
        fit([("", "")], tmp_path, iterations=5)


def test_a_fit_that_fails_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systran, "_FIT", "raise SystemExit('out of luck')")
    with pytest.raises(InputError, match=r"failed \(exit code 1\): out of luck") as refused:
        fit(PAIRS, tmp_path, iterations=5)
    assert refused.type is InputError
    monkeypatch.setattr(systran, "_FIT", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(InputError, match=r"failed \(exit code -11\)") as refused:
        fit(PAIRS, tmp_path, iterations=5)
    assert refused.type is InputError, "it would end so each time"
    monkeypatch.setattr(systran, "_FIT", "")
    with pytest.raises(InputError, match="ended without writing them"):
        fit(PAIRS, tmp_path, iterations=5)


@pytest.mark.parametrize(
    "end",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "raise OSError(28, 'No space left on device')",
        f"raise OSError({EDQUOT}, {os.strerror(EDQUOT)!r})",
    ],
)
def test_a_fit_that_ran_out_of_something_may_do_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(systran, "_FIT", end)
    with pytest.raises(Unavailable, match="memory or the disk may have run out"):
        fit(PAIRS, tmp_path, iterations=5)


def test_tables_on_a_full_disk_are_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="No space left"):
        fit(PAIRS, tmp_path, iterations=5)


def test_tables_over_a_quota_are_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(EDQUOT, os.strerror(EDQUOT))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(EDQUOT)):
        fit(PAIRS, tmp_path, iterations=5)


def test_function_words_are_frequent_and_no_names() -> None:
    frequency = {"the": 60, "tom": 50, ".": 50, "的": 40, "house": 1, **dict.fromkeys("bcdfg", 0)}
    assert function_words(frequency, {"tom"}) == {"the"}


def test_a_frequent_name_is_no_function_word_in_a_script_without_capitals(tmp_path: Path) -> None:
    nouns = (("house", "بيت"), ("tree", "شجرة"), ("dog", "كلب"), ("book", "كتاب"))
    pairs = [(f"now Tom sees the {noun}", f"الآن توم يرى في {arabic}") for noun, arabic in nouns]
    pairs += [(f"we see the {noun} Tom", f"نحن نرى في {arabic} توم") for noun, arabic in nouns]
    fit(pairs, tmp_path, iterations=5)
    _, of_target = open_tables(tmp_path).vocabulary.features([], ["توم", "في"])
    assert of_target.is_function_W.tolist() == [False, True]
