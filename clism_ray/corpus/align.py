"""Word alignment: tables fitted once per language pair, and the links they give.

The aligner is systran-align (fast_align's model, both directions, symmetrised). Its tables are
files: `fit` writes a folder of them, `open_tables` reads it in each process.

Before the tables are asked, words that are the same on both sides are linked: names and numbers
are the rarest words, tables hardly know them, and what a table never saw goes to the diagonal.
"""

import hashlib
import math
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import systran_align
from spacy.lang.en.stop_words import STOP_WORDS

from clism_ray.corpus.manifest import file_sha256
from clism_ray.corpus.spans import mid_sentence_case
from clism_ray.corpus.words import words
from clism_ray.errors import InputError

Link: TypeAlias = tuple[int, int]  # (source word, target word), positions from 0

_FORWARD, _BACKWARD, _KNOWN, _NAMES = "forward.probs", "backward.probs", "known.txt", "names.txt"

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
    known: frozenset[str]  # lower-cased source words the tables were fitted on
    names: frozenset[str]  # lower-cased source words that are capitalised inside sentences


def fit(pairs: Iterable[tuple[str, str]], folder: Path, iterations: int) -> str:
    """Fit tables on (source, target) sentences and return their hash.

    Raises InputError where the sample is empty or the fit yields no numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "sample.txt"
    known: set[str] = set()
    cased: Counter[tuple[str, bool]] = Counter()
    with text.open("w", encoding="utf-8") as file:
        for source, target in pairs:
            sides = table_words(source), table_words(target)
            if not all(sides):  # an empty side turns the whole table into NaN
                continue
            file.write(" ".join(sides[0]) + " ||| " + " ".join(sides[1]) + "\n")
            known.update(sides[0])
            cased.update(mid_sentence_case(source, words(source)))
    names = {word for word, upper in cased if upper and cased[word, True] > cased[word, False]}
    for name, entries in ((_KNOWN, known), (_NAMES, names)):
        (folder / name).write_text("\n".join(sorted(entries)) + "\n", encoding="utf-8")
    if not known:
        raise InputError(f"{folder}: no sentence pairs to fit alignment tables on")
    _run_fit(text, folder, iterations)
    _check_tables(text, folder)
    text.unlink()
    return tables_hash(folder)


def tables_hash(folder: Path) -> str:
    """One hash of a folder's tables."""
    digests = [file_sha256(folder / name) for name in (_FORWARD, _BACKWARD, _KNOWN, _NAMES)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


@lru_cache(maxsize=4)
def open_tables(folder: Path) -> Tables:
    """The tables in a folder, read once per process."""
    known, names = (
        frozenset((folder / name).read_text(encoding="utf-8").split("\n"))
        for name in (_KNOWN, _NAMES)
    )
    aligner = systran_align.Aligner(str(folder / _FORWARD), str(folder / _BACKWARD))
    return Tables(aligner, known, names)


def table_words(text: str) -> list[str]:
    """The words of a text as the tables know them."""
    return [text[start:end].lower() for start, end in words(text)]


def align(
    tables: Tables, pairs: Sequence[tuple[list[str], list[str]]]
) -> list[tuple[set[Link], set[int]]]:
    """Links of each pair of word lists, and the source words linked by anchors.

    Anchors take their words out of the tables' links.
    """
    lowered = [
        ([w.lower() for w in source], [w.lower() for w in target]) for source, target in pairs
    ]
    tabled = tables.aligner.align_batch([s for s, _ in lowered], [t for _, t in lowered])
    linked = []
    for (source, target), entry in zip(pairs, tabled, strict=True):
        fixed = anchors(source, target)
        sources, targets = {i for i, _ in fixed}, {j for _, j in fixed}
        links = {(i, j) for i, j in entry["alignments"] if i not in sources and j not in targets}
        linked.append((links | fixed, sources))
    return linked


def anchors(source: Sequence[str], target: Sequence[str]) -> set[Link]:
    """Links between words that are the same string or the same number on both sides.

    Words that stand equally often on both sides are linked in order; others are left to the
    tables. Stop words and short lower-case words are no anchors: "die" is a verb in English.
    """
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, side_words in enumerate((source, target)):
        for position, word in enumerate(side_words):
            if (key := _anchor(word)) is not None:
                places.setdefault(key, ([], []))[side].append(position)
    return {
        link
        for sources, targets in places.values()
        if len(sources) == len(targets)
        for link in zip(sources, targets, strict=True)
    }


def _anchor(word: str) -> str | None:
    """What a word must share with another to be the same; None for words that prove nothing."""
    digits = "".join(
        str(unicodedata.digit(character)) for character in word if character.isdecimal()
    )
    if digits and not any(character.isalpha() for character in word):
        return digits  # "1,000.5" is "1.000,5"
    lowered = word.casefold()
    if lowered in STOP_WORDS or not any(character.isalpha() for character in word):
        return None
    distinct = digits or (word != word.lower() and len(word) > 1) or len(word) > 3
    return lowered if distinct else None


def _run_fit(text: Path, folder: Path, iterations: int) -> None:
    outcome = subprocess.run(
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
