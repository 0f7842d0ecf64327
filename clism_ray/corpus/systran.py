"""Word links by systran-align: fast_align's model, fitted in both directions and symmetrised.

Dyer, Chahuneau and Smith 2013, "A Simple, Fast, and Effective Reparameterization of IBM Model 2".
"""

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from errno import ENOSPC
from itertools import islice
from pathlib import Path
from typing import Any

import systran_align

from clism_ray.corpus import programs
from clism_ray.corpus.linker import sample_pairs
from clism_ray.corpus.translations import Link, LinkedPair
from clism_ray.errors import InputError

FILES = ("forward.probs", "backward.probs")

# Run in a process of its own: with more than one OpenMP thread the fit differs from run to run,
# and the number of threads is read when the library is loaded.
_FIT = """
import sys, systran_align
text, forward, backward, iterations = sys.argv[1:]
systran_align.generate_alignment_probabilities(
    text, forward, backward, iterations=int(iterations),
    favor_diagonal=True, optimize_tension=True, variational_bayes=True)
"""


class Systran:
    """The fitted tables of a folder. Cannot be pickled."""

    batch = 1024  # what is done once for all weighs little, and the words fit in the cache
    is_independent = True
    min_trust = 0.03  # it links every word: below this its links are wrong more often than not

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aligner: Any = systran_align.Aligner(*(str(folder / name) for name in FILES))

    def links(
        self, sources: Sequence[list[str]], targets: Sequence[list[str]]
    ) -> Iterator[list[Link]]:
        """The links of each pair of lower-cased word lists.

        Raises InputError if the tables hold NaN: such an aligner links nonsense.
        """
        for source, entry in zip(sources, self._aligner.align_batch(sources, targets), strict=True):
            if math.isnan(entry["forward_log_prob"] + entry["backward_log_prob"]):
                raise InputError(
                    f"{self._folder}: the fitted alignment tables hold no numbers; a pair like "
                    f"{' '.join(source)!r} may have upset the fit: remove such pairs, or fit on "
                    "others"
                )
            yield entry["alignments"]


def fit(text: Path, folder: Path, iterations: int) -> Iterator[LinkedPair]:
    """Write tables, fitted on lines `source words ||| target words`; the linked lines.

    Raises what `programs.run` raises, and OSError if the device is full or a quota used up.
    """
    programs.run(
        [
            *(sys.executable, "-c", _FIT),
            *(str(path) for path in (text, *(folder / name for name in FILES))),
            str(iterations),
        ],
        f"{folder}: fitting the alignment tables",
    )
    _check_room(folder)  # the library does not look whether it could write
    if not (folder / FILES[-1]).is_file():
        raise InputError(f"{folder}: fitting the alignment tables ended without writing them")
    return _linked(text, Systran(folder))


def _check_room(folder: Path) -> None:
    """OSError if the device is full; a quota that is used up shows in writing alone."""
    if shutil.disk_usage(folder).free == 0:
        raise OSError(ENOSPC, os.strerror(ENOSPC), str(folder))
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(1 << 16))
        file.flush()
        os.fsync(file.fileno())


def _linked(text: Path, linker: Systran) -> Iterator[LinkedPair]:
    pairs = sample_pairs(text)
    while batch := list(islice(pairs, linker.batch)):
        sources, targets = ([pair[side] for pair in batch] for side in (0, 1))
        yield from zip(sources, targets, linker.links(sources, targets), strict=True)
