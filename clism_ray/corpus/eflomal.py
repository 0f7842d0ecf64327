"""Word links by eflomal: a Bayesian HMM with fertility, sampled in both directions.

Östling and Tiedemann 2016, "Efficient Word Alignment with Markov Chain Monte Carlo". A program of
its own under the GPL, version 3, which is run where it is installed and never imported. It is
fitted once on the sample, whose links become priors; with them it then links any other pairs, so
that memory does not grow with the corpus. Its random numbers are seeded by the system: what it
makes is as good each time, but not the same.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from clism_ray.corpus import programs
from clism_ray.corpus.linker import sample_pairs
from clism_ray.corpus.links import unanswered
from clism_ray.corpus.symmetrise import grow_diag_final_and
from clism_ray.corpus.translations import Link, LinkedPair
from clism_ray.errors import Unavailable

PRIORS = "priors.txt"
_ALIGN, _MAKE_PRIORS = "eflomal-align", "eflomal-makepriors"
_ITERATIONS = ("-1", "1", "-2", "1", "-3", "4")  # with priors more change nothing


class Eflomal:
    """The priors of a folder."""

    batch = 50_000  # each run reads all priors
    is_independent = False  # it counts the words of all that it is given
    min_trust = 0.0

    def __init__(self, folder: Path) -> None:
        self._priors = folder / PRIORS

    def links(
        self, sources: Sequence[list[str]], targets: Sequence[list[str]]
    ) -> Iterable[Collection[Link]]:
        """The symmetrised links of each pair of lower-cased word lists."""
        if not sources:
            return []
        with tempfile.TemporaryDirectory() as folder:
            options = ("--priors", str(self._priors), *_ITERATIONS)
            return list(_aligned(Path(folder), zip(sources, targets, strict=True), options))


def check_installed() -> None:
    """Raise Unavailable, with what to do, unless the program is there."""
    _program(_ALIGN)


def fit(text: Path, folder: Path) -> Iterator[LinkedPair]:
    """Write priors, fitted on lines `source words ||| target words`; the linked lines."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        links = list(_aligned(Path(scratch), sample_pairs(text)))
        names = ("-s", "source", "-t", "target", "-f", "forward", "-r", "backward")
        _run(_MAKE_PRIORS, *names, "--priors", str((folder / PRIORS).absolute()), at=Path(scratch))
    pairs = zip(sample_pairs(text), links, strict=True)
    return ((source, target, found) for (source, target), found in pairs)


def _aligned(
    folder: Path, pairs: Iterable[tuple[list[str], list[str]]], options: Sequence[str] = ()
) -> Iterator[set[Link]]:
    """Link pairs by files in a folder: source, target, and the links of both directions.

    Raises Unavailable, in the end, unless the program linked all that it was given both ways.
    """
    given = linked = 0
    with (
        (folder / "source").open("w", encoding="utf-8") as sources,
        (folder / "target").open("w", encoding="utf-8") as targets,
    ):
        for source, target in pairs:
            given += 1
            sources.write(" ".join(source) + "\n")
            targets.write(" ".join(target) + "\n")
    names = ("-s", "source", "-t", "target", "-f", "forward", "-r", "backward")
    _run(_ALIGN, *names, *options, at=folder)
    with (
        (folder / "forward").open(encoding="ascii") as forward,
        (folder / "backward").open(encoding="ascii") as backward,
    ):
        for ahead, back in zip_longest(forward, backward):
            if ahead is None or back is None:
                raise unanswered(given, linked)
            linked += 1
            yield grow_diag_final_and(_links(ahead), _links(back))
    if linked != given:
        raise unanswered(given, linked)


def _links(line: str) -> list[Link]:
    places = (link.split("-") for link in line.split())
    return [(int(i), int(j)) for i, j in places]


def _run(program: str, *arguments: str, at: Path) -> None:
    programs.run([_program(program), *arguments], program, at)


def _program(name: str) -> str:
    """Where a program of eflomal is: beside this interpreter, or on the path."""
    beside = Path(sys.executable).parent
    if found := shutil.which(name, path=os.pathsep.join((str(beside), os.environ.get("PATH", "")))):
        return found
    raise Unavailable(  # on another node than the driver's it may be missing after hours of work
        f"alignment.method is eflomal, but there is no program {name} on this machine; it is "
        "free software (GPL-3) that comes apart: `pip install eflomal` (it needs a C compiler), on "
        "every node, or set alignment.method=systran"
    )
