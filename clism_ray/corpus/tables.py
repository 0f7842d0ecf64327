"""Alignment tables of a language pair: fitted once, stored as files, opened by every task.

The aligner is systran-align (fast_align's model, fitted in both directions). Beside its two
tables stands what the sample told of words: how often each was seen, how it is cased, and
which are function words.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import systran_align

from clism_ray.corpus.capitals import Casing, cases, casing
from clism_ray.corpus.manifest import file_sha256
from clism_ray.corpus.words import is_punctuation, is_unspaced, surfaces
from clism_ray.errors import InputError

FUNCTION_SHARE = 0.005  # of all words: some thirty words in most languages
_FORWARD, _BACKWARD, _WORDS = "forward.probs", "backward.probs", "words.json"

# Run in a process of its own: with more than one OpenMP thread the fit differs from run to run,
# and the number of threads is read when the library is loaded.
_FIT = """
import sys, systran_align
text, forward, backward, iterations = sys.argv[1:]
systran_align.generate_alignment_probabilities(
    text, forward, backward, iterations=int(iterations),
    favor_diagonal=True, optimize_tension=True, variational_bayes=True)
"""


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of a language pair."""

    aligner: Any  # systran_align.Aligner; cannot be pickled
    frequency: Mapping[str, int]  # of lower-cased source words in the sample
    casing: Casing  # of source words in the sample
    function_words: tuple[frozenset[str], frozenset[str]]  # of source and target, lower-cased


def fit(pairs: Iterable[tuple[str, str]], folder: Path, iterations: int) -> str:
    """Fit tables on (source, target) sentences and return their hash.

    Raises InputError where the sample is empty or the fit yields no numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "sample.txt"
    frequency: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    observed: tuple[Counter[tuple[str, bool]], Counter[tuple[str, bool]]] = Counter(), Counter()
    with text.open("w", encoding="utf-8") as file:
        for pair in pairs:
            sides = [surfaces(side) for side in pair]
            if not all(sides):  # an empty side turns the whole table into NaN
                continue
            lowered = [[word.lower() for word in tokens] for tokens in sides]
            file.write(" ||| ".join(" ".join(tokens) for tokens in lowered) + "\n")
            for side in (0, 1):
                frequency[side].update(lowered[side])
                observed[side].update(cases(sides[side]))
    if not frequency[0]:
        raise InputError(f"{folder}: no sentence pairs to fit alignment tables on")
    casings = [casing(counts) for counts in observed]
    known = {
        "frequency": dict(sorted(frequency[0].items())),
        **casings[0]._asdict(),
        "function_words": [
            sorted(function_words(frequency[side], casings[side])) for side in (0, 1)
        ],
    }
    (folder / _WORDS).write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
    _run_fit(text, folder, iterations)
    _check_tables(text, folder)
    text.unlink()
    return tables_hash(folder)


def tables_hash(folder: Path) -> str:
    """One hash of a folder's tables."""
    digests = [file_sha256(folder / name) for name in (_FORWARD, _BACKWARD, _WORDS)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


@lru_cache(maxsize=8)
def open_tables(folder: Path) -> Tables:
    """The tables in a folder, read once per process."""
    known = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
    aligner = systran_align.Aligner(str(folder / _FORWARD), str(folder / _BACKWARD))
    source, target = (frozenset(side) for side in known["function_words"])
    return Tables(
        aligner=aligner,
        frequency=known["frequency"],
        casing=Casing(frozenset(known["names"]), frozenset(known["common"])),
        function_words=(source, target),
    )


def function_words(frequency: Mapping[str, int], known: Casing) -> set[str]:
    """Words that make up a share of at least `FUNCTION_SHARE` of a text, and are no names.

    Not so in scripts without spaces, whose characters are frequent parts of rarer words.
    """
    total = sum(frequency.values())
    return {
        word
        for word, number in frequency.items()
        if number >= FUNCTION_SHARE * total
        and not is_punctuation(word)
        and not is_unspaced(word)
        and word not in known.names
    }


def _run_fit(text: Path, folder: Path, iterations: int) -> None:
    outcome = subprocess.run(  # noqa: S603 - this interpreter, on files of our own
        [
            *(sys.executable, "-c", _FIT),
            *(str(path) for path in (text, folder / _FORWARD, folder / _BACKWARD)),
            str(iterations),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0 or not (folder / _BACKWARD).is_file():
        raise InputError(
            f"{folder}: fitting the alignment tables failed (exit code {outcome.returncode}): "
            f"{outcome.stderr.strip()[-500:]}"
        )


def _check_tables(text: Path, folder: Path) -> None:
    tables = open_tables.__wrapped__(folder)
    with text.open(encoding="utf-8") as file:
        for _, line in zip(range(100), file, strict=False):
            source, _, target = line.rstrip("\n").partition(" ||| ")
            entry = tables.aligner.align(source.split(" "), target.split(" "))
            if not math.isfinite(entry["forward_log_prob"] + entry["backward_log_prob"]):
                raise InputError(
                    f"{folder}: the fitted alignment tables hold no numbers; a pair like "
                    f"{source!r} may have upset the fit: remove such pairs, or fit on others"
                )
