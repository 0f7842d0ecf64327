"""Word alignment: tables fitted once per language pair, and the links they give.

The aligner is systran-align (fast_align's model, both directions, symmetrised). Its tables are
files: `fit` writes a folder of them, `open_tables` reads it in each process.

Before the tables are asked, words that are the same on both sides are linked: names and numbers
are the rarest words, tables hardly know them, and what a table never saw goes to the diagonal.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import systran_align
from spacy.lang.en.stop_words import STOP_WORDS

from clism_ray.corpus.capitals import Casing, cases, casing
from clism_ray.corpus.manifest import file_sha256
from clism_ray.corpus.words import is_punctuation, is_unspaced, surfaces
from clism_ray.errors import InputError

Link: TypeAlias = tuple[int, int]  # (source word, target word), positions from 0

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


class Alignment(NamedTuple):
    """The word links of a sentence pair, and how far they can be trusted."""

    links: frozenset[Link]
    evidence: tuple[float, ...]  # of each source word, 0 to 1


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


def align(tables: Tables, pairs: Sequence[tuple[list[str], list[str]]]) -> list[Alignment]:
    """The links of each pair of word lists.

    Anchors come first and take their words out of the tables' links; the links of function words
    are thinned out as in `without_strays`. The evidence for a source
    word is 1 if an anchor links it, else n / (n + 1) for a word the tables saw n times: what
    they never saw is put on the diagonal, which is a guess, and what they saw once nearly so.
    """
    lowered = [
        ([word.lower() for word in source], [word.lower() for word in target])
        for source, target in pairs
    ]
    by_tables = tables.aligner.align_batch([s for s, _ in lowered], [t for _, t in lowered])
    alignments = []
    for (source, target), keys, entry in zip(pairs, lowered, by_tables, strict=True):
        fixed = anchors(source, target)
        sources, targets = {i for i, _ in fixed}, {j for _, j in fixed}
        links = {(i, j) for i, j in entry["alignments"] if i not in sources and j not in targets}
        links = without_strays(links, *keys, tables.function_words)
        seen = [tables.frequency.get(key, 0) for key in keys[0]]
        evidence = (1.0 if i in sources else n / (n + 1) for i, n in enumerate(seen))
        alignments.append(Alignment(frozenset(links | fixed), tuple(evidence)))
    return alignments


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


def without_strays(
    links: Collection[Link],
    source: Sequence[str],
    target: Sequence[str],
    function_words: tuple[frozenset[str], frozenset[str]],
) -> set[Link]:
    """Links without those that tie a function word to a content word for want of its own.

    Aligners hang articles and prepositions on the noun nearby ("Senate" - "le Sénat"), where
    they would widen a span or make it inconsistent. A content word of the source never links
    to a function word; a function word links to a content word that no content word links to.
    """
    is_function = [word in function_words[0] for word in source]
    is_target_function = [word in function_words[1] for word in target]
    targets = {j for i, j in links if not (is_function[i] or is_target_function[j])}
    return {
        (i, j)
        for i, j in links
        if is_function[i] == is_target_function[j] or (is_function[i] and j not in targets)
    }


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
