"""A parallel corpus without end, with the true spans and the true word links.

Pair `index` of a corpus is a function of (seed, index) and of the list of languages, whose turn
comes in order: memory is constant and any part can be written alone. A sentence belongs to the
held-out pairs if a hash of its English text says so, so the two sides share no English sentence
and need no comparison; the price is that one index in fifty serves only for held-out pairs.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TextIO
from zlib import crc32

from clism_ray.config_corpus import SynthesizeConfig
from clism_ray.corpus.language.dice import Dice
from clism_ray.corpus.language.grammar import GRAMMARS, english
from clism_ray.corpus.language.phrases import COMMA, ROLES, Word
from clism_ray.corpus.language.statement import draw_statement, label
from clism_ray.errors import InputError
from clism_ray.places import made_folder
from clism_ray.records import SpanPair

HELD_OUT = 50  # one English sentence in so many, chosen by hash


@dataclass(frozen=True, slots=True)
class SyntheticPair:
    """A sentence pair that knows its own alignment. Punctuation belongs to no word."""

    source_language: str
    target_language: str
    source: str
    target: str
    spans: tuple[SpanPair, ...]  # in source order; score and confidence 1
    source_words: tuple[tuple[int, int], ...]  # characters
    target_words: tuple[tuple[int, int], ...]
    links: tuple[tuple[int, int], ...]  # word positions from 0, sorted, many to many


def pair_at(seed: int, index: int, languages: Sequence[str]) -> SyntheticPair:
    """Pair `index` of the corpus of this seed.

    `languages` have a grammar each: `check_grammars`.
    """
    language = languages[index % len(languages)]
    statement = draw_statement(Dice(seed, index))
    source_words, target_words = english(statement), GRAMMARS[language](statement)
    source, source_offsets, source_where = _lay_out(source_words, " ", ",", ".")
    joint, comma, stop = _PUNCTUATION.get(language, (" ", ",", "."))
    target, target_offsets, target_where = _lay_out(target_words, joint, comma, stop)
    links = {
        (i, j)
        for concept, positions in source_where.items()
        for j in target_where.get(concept, ())
        for i in positions
    }
    spans = []
    for role, concepts in ROLES.items():
        there = [source_where[c] for c in concepts if c in source_where]
        if there:
            here = [target_where[c] for c in concepts if c in target_where]
            spans.append(
                SpanPair(
                    source_offsets[min(there)[0]][0],
                    source_offsets[max(w[-1] for w in there)][1],
                    target_offsets[min(here)[0]][0],
                    target_offsets[max(w[-1] for w in here)][1],
                    label(statement, role),
                    1.0,
                )
            )
    return SyntheticPair(
        "en",
        language,
        source,
        target,
        tuple(sorted(spans)),
        tuple(source_offsets),
        tuple(target_offsets),
        tuple(sorted(links)),
    )


def pairs(seed: int, start: int, stop: int, languages: Sequence[str]) -> Iterator[SyntheticPair]:
    """Pairs start .. stop - 1."""
    return (pair_at(seed, index, languages) for index in range(start, stop))


def check_grammars(languages: Sequence[str]) -> None:
    """Raise InputError for a language without a grammar, and for one named twice."""
    for language in languages:
        if language not in GRAMMARS:
            raise InputError(
                f"languages: no grammar for {language!r}; "
                f"synthetic text exists in {', '.join(GRAMMARS)}"
            )
    if len(set(languages)) < len(languages):
        raise InputError(f"languages: {', '.join(languages)} names a language twice")


def is_held_out(pair: SyntheticPair) -> bool:
    """Whether the pair's English sentence is one of the held-out share."""
    return crc32(pair.source.encode()) % HELD_OUT == 0


def write_corpus(config: SynthesizeConfig) -> dict[str, int]:
    """Write `<output>/{train,dev}.en-XX.jsonl` and return the number of pairs in each file.

    Keys: source, target, spans (lists in the order of `SpanPair`), source_words and target_words
    (character ranges), links (word positions). Files take their names when all are complete.
    Raises InputError for languages that `check_grammars` refuses, and if nothing can be written.
    """
    check_grammars(config.languages)
    folder = made_folder(config.output)
    names = [
        f"{split}.en-{language}.jsonl"
        for split in ("train", "dev")
        for language in config.languages
    ]
    counts = dict.fromkeys(names, 0)
    with ExitStack() as stack:
        files = {
            name: stack.enter_context((folder / f"{name}.part").open("w", encoding="utf-8"))
            for name in names
        }
        for name, pair in _splits(config):
            _write_line(files[name], pair)
            counts[name] += 1
    for name in names:
        (folder / f"{name}.part").replace(folder / name)
    return counts


def _splits(config: SynthesizeConfig) -> Iterator[tuple[str, SyntheticPair]]:
    """Each pair with the file it belongs to: all of train, then as many distinct ones of dev."""
    index = written = 0
    while written < config.pairs:
        pair = pair_at(config.seed, index, config.languages)
        index += 1
        if not is_held_out(pair):
            written += 1
            yield f"train.en-{pair.target_language}.jsonl", pair
    seen: set[str] = set()
    while len(seen) < config.dev_pairs:
        pair = pair_at(config.seed, index, config.languages)
        index += 1
        if is_held_out(pair) and pair.source not in seen:
            seen.add(pair.source)
            yield f"dev.en-{pair.target_language}.jsonl", pair


def _write_line(file: TextIO, pair: SyntheticPair) -> None:
    row = {
        "source": pair.source,
        "target": pair.target,
        "spans": pair.spans,
        "source_words": pair.source_words,
        "target_words": pair.target_words,
        "links": pair.links,
    }
    file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


# between words, comma, full stop
_PUNCTUATION = {"hi": (" ", ",", "।"), "zh": ("", "，", "。")}


def _lay_out(
    words: list[Word], joint: str, comma: str, stop: str
) -> tuple[str, list[tuple[int, int]], dict[str, list[int]]]:
    """The sentence, the characters of each word, and the words of each concept."""
    text = ""
    offsets: list[tuple[int, int]] = []
    where: dict[str, list[int]] = {}
    for word in words:
        if word is COMMA:
            text += comma
            continue
        form, concepts = word
        if text:
            text += joint
        start = len(text)
        text += form
        for concept in concepts:
            where.setdefault(concept, []).append(len(offsets))
        offsets.append((start, len(text)))
    return text[0].upper() + text[1:] + stop, offsets, where
