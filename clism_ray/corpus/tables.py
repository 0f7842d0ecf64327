"""Alignment tables of a language pair: fitted once, stored as files, opened by every task.

Beside what the aligner stores (`systran`, `eflomal`) stands what its links of the sample told of
words, which translate which and how surely, and what the sample itself told: how often each was
seen, how it is cased, and which are function words. An encoder stores nothing and links nothing of
the sample: in place of translations stands which encoder it is.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, assert_never

from clism_ray.config_corpus import Method
from clism_ray.corpus import eflomal, systran
from clism_ray.corpus.capitals import Casing, cases, casing
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.linker import Aligner, Fitted, Linker
from clism_ray.corpus.manifest import file_sha256
from clism_ray.corpus.translations import (
    LinkedPair,
    count_links,
    translations,
    words_of_names,
)
from clism_ray.corpus.vocabulary import Vocabulary
from clism_ray.corpus.words import is_punctuation, is_unspaced, surfaces
from clism_ray.errors import InputError

FUNCTION_SHARE = 0.005  # of all words: some thirty words in most languages
KEPT = 8  # language pairs whose tables a process keeps open
_WORDS = "words.json"


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of a language pair."""

    linker: Linker
    lexicon: Lexicon
    vocabulary: Vocabulary
    frequency: Mapping[str, int]  # of lower-cased source words in the sample
    total: int  # running source words of the sample
    casing: Casing  # of source words in the sample


def fit(
    pairs: Iterable[tuple[str, str]],
    folder: Path,
    iterations: int,
    method: Method = "systran",
    encoder: Mapping[str, Any] | None = None,
) -> str:
    """Fit tables on (source, target) sentences and return their hash.

    For the method `neural` nothing is fitted but words are counted, and `encoder` tells by what
    they will be linked. Raises InputError where the sample is empty or the fit yields no numbers.
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
    counts = count_links(_fitted(method, text, folder, iterations), frequency)
    of_names = words_of_names(counts, frozenset(source.names))
    known = {
        "method": method,
        "encoder": encoder,
        "translations": None if method == "neural" else translations(counts, frequency),
        "frequency": dict(sorted(frequency[0].items())),
        **source._asdict(),
        "function_words": [
            sorted(function_words(frequency[0], source.names)),
            sorted(function_words(frequency[1], of_names.union(target.names))),
        ],
    }
    (folder / _WORDS).write_text(
        json.dumps(known, ensure_ascii=False, sort_keys=True), encoding="utf-8"
    )
    text.unlink()
    return tables_hash(folder)


def tables_hash(folder: Path) -> str:
    """One hash of a folder's tables."""
    digests = [file_sha256(path) for path in sorted(folder.iterdir())]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


@lru_cache(maxsize=KEPT)
def open_tables(folder: Path, encoder: Linker | None = None) -> Tables:
    """The tables in a folder, read once per process; those of `neural` take their encoder."""
    known = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
    source, target = (frozenset(side) for side in known["function_words"])
    translations = known["translations"]
    lexicon = Lexicon({} if translations is None else translations)
    return Tables(
        linker=_linker(known["method"], folder, lexicon, encoder),
        lexicon=lexicon,
        vocabulary=Vocabulary((source, target), None if translations is None else lexicon),
        frequency=known["frequency"],
        total=sum(known["frequency"].values()),
        casing=Casing(frozenset(known["names"]), frozenset(known["common"])),
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


def _fitted(method: Method, text: Path, folder: Path, iterations: int) -> Iterator[LinkedPair]:
    match method:
        case "systran":
            return systran.fit(text, folder, iterations)
        case "eflomal":
            return eflomal.fit(text, folder)
        case "neural":
            return iter(())
        case _:
            assert_never(method)


def _linker(method: Method, folder: Path, lexicon: Lexicon, encoder: Linker | None) -> Linker:
    aligner: Aligner
    match method:
        case "systran":
            aligner = systran.Systran(folder)
        case "eflomal":
            aligner = eflomal.Eflomal(folder)
        case "neural":
            assert encoder is not None, "nobody handed in the encoder that links"
            return encoder
        case _:
            assert_never(method)
    return Fitted(aligner, lexicon)
