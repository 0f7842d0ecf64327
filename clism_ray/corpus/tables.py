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
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import systran_align

from clism_ray.corpus.capitals import Casing, cases, casing
from clism_ray.corpus.manifest import file_sha256
from clism_ray.corpus.words import is_punctuation, is_unspaced, surfaces
from clism_ray.errors import InputError

FUNCTION_SHARE = 0.005  # of all words: some thirty words in most languages
_PART = 10_000  # pairs of the sample that are aligned to learn which words translate names
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
    total: int  # running source words of the sample
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
    source, target = (casing(counts) for counts in observed)
    _run_fit(text, folder, iterations)
    of_names = _words_linked_to(frozenset(source.names), text, folder)
    known = {
        "frequency": dict(sorted(frequency[0].items())),
        **source._asdict(),
        "function_words": [
            sorted(function_words(frequency[0], source.names)),
            sorted(function_words(frequency[1], of_names.union(target.names))),
        ],
    }
    (folder / _WORDS).write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
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
    source, target = (frozenset(side) for side in known["function_words"])
    return Tables(
        aligner=_aligner(folder),
        frequency=known["frequency"],
        total=sum(known["frequency"].values()),
        casing=Casing(frozenset(known["names"]), frozenset(known["common"])),
        function_words=(source, target),
    )


def function_words(frequency: Mapping[str, int], names: Collection[str]) -> set[str]:
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
        and word not in names
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


def _words_linked_to(names: Collection[str], text: Path, folder: Path) -> set[str]:
    """Target words of which at least a third of the links, in part of the sample, are to names.

    Many scripts have no capitals to tell names by. Raises InputError if the tables hold NaN.
    """
    aligner = _aligner(folder)
    links: Counter[str] = Counter()
    name_links: Counter[str] = Counter()
    with text.open(encoding="utf-8") as file:
        for line in islice(file, _PART):
            source, target = (side.split(" ") for side in line.rstrip("\n").split(" ||| "))
            entry = aligner.align(source, target)
            if not math.isfinite(entry["forward_log_prob"] + entry["backward_log_prob"]):
                raise InputError(
                    f"{folder}: the fitted alignment tables hold no numbers; a pair like "
                    f"{line!r} may have upset the fit: remove such pairs, or fit on others"
                )
            links.update(target[j] for _, j in entry["alignments"])
            name_links.update(target[j] for i, j in entry["alignments"] if source[i] in names)
    return {word for word, number in name_links.items() if 3 * number >= links[word]}


def _aligner(folder: Path) -> Any:
    return systran_align.Aligner(str(folder / _FORWARD), str(folder / _BACKWARD))
