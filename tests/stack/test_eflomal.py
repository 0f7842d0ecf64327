"""eflomal as it is installed here."""

import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from clism_ray.corpus import eflomal
from clism_ray.corpus.align import align
from clism_ray.corpus.sides import side
from clism_ray.corpus.tables import fit, open_tables
from clism_ray.errors import InputError, Unavailable

PAIRS = [
    (f"the {adjective} {noun} is here", f"hier ist das {german} {german_noun}")
    for noun, german_noun in (
        ("house", "haus"),
        ("dog", "tier"),
        ("book", "buch"),
        ("boat", "schiff"),
    )
    for adjective, german in (("small", "kleine"), ("big", "grosse"), ("old", "alte"))
] * 5

needs_eflomal = pytest.mark.skipif(
    not (Path(sys.executable).parent / "eflomal-align").is_file()
    and shutil.which("eflomal-align") is None,
    reason="eflomal is an extra: pip install eflomal",
)


@needs_eflomal
def test_priors_of_a_sample_link_other_pairs(tmp_path: Path) -> None:
    fit(PAIRS, tmp_path / "t", iterations=5, method="eflomal")
    assert {path.name for path in (tmp_path / "t").iterdir()} == {"priors.txt", "words.json"}
    tables = open_tables(tmp_path / "t")
    sides = side(["the old boat", PAIRS[0][0]]), side(["das schiff alte", PAIRS[0][1]])
    votes: Counter[tuple[int, int, int]] = Counter()  # pair, source word, target word
    for _ in range(9):  # its random numbers are others each time
        for pair, links in enumerate(align(tables, *sides).links.by_pair(*sides)):
            votes.update((pair, *link) for link, trust in links.items() if trust > 0.5)
    assert all(votes[link] > 4 for link in ((0, 1, 2), (0, 2, 1), (1, 1, 3), (1, 2, 4)))
    assert not len(align(tables, side([]), side([])).links.source_L)


@needs_eflomal
def test_a_run_that_fails_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "priors.txt").write_text("no priors\n")
    with pytest.raises(InputError, match=r"eflomal-align failed \(exit code 1\)"):
        eflomal.Eflomal(tmp_path).links([["a"]], [["b"]])


@pytest.mark.parametrize("directions", [("forward", "backward"), ("forward",), ("backward",)])
def test_a_program_that_leaves_out_pairs_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directions: tuple[str, ...]
) -> None:
    """As one that is cut short and does not say so; here a program that leaves out the last."""
    program = tmp_path / "eflomal-align"
    lines = (f"tail -n +{1 + (name in directions)} source" for name in ("forward", "backward"))
    forward, backward = (f"{line} | sed 's/.*/0-0/'" for line in lines)
    program.write_text(f"#!/bin/sh\n{forward} > forward\n{backward} > backward\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    number = len(PAIRS)
    with pytest.raises(Unavailable, match=f"{number} pairs; got those of {number - 1}"):
        fit(PAIRS, tmp_path / "t", iterations=5, method="eflomal")
    with pytest.raises(Unavailable, match="2 pairs; got those of 1"):
        eflomal.Eflomal(tmp_path).links([["a"], ["b"]], [["c"], ["d"]])


def test_without_the_program_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="pip install eflomal"):
        eflomal.check_installed()
    with pytest.raises(InputError, match=r"alignment\.method=systran"):
        fit(PAIRS, tmp_path / "t", iterations=5, method="eflomal")
