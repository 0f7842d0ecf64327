"""Sentence pairs whose word links are known: aligned by people, or made with their links.

Formats:

    wpt     `source ||| target` a line, tokens with spaces between them; in a second file the links
            of each line, from 1: `3-4` is sure, `3p4` possible (Och and Ney 2003)
    jsonl   {"source": [tokens], "target": [tokens], "links": [[i, j], ...]}, from 0, all sure

Links to tokens that a sentence does not have are left out and counted.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from clism_ray.config_alignment import GoldFiles, SyntheticGold
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.corpus.synthetic import pair_at
from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import Offsets
from clism_ray.errors import InputError

_LINK = re.compile(r"(\d+)([-p])(\d+)")


@dataclass(frozen=True, slots=True)
class GoldPair:
    """A sentence pair, its tokens as characters, and the links of the tokens."""

    source: str
    target: str
    source_tokens: Sequence[Offsets]
    target_tokens: Sequence[Offsets]
    sure: frozenset[Link]
    possible: frozenset[Link]  # the sure ones among them
    spans: Sequence[Offsets] | None = None  # of the source, in characters, where they are known
    stray_links: int = 0  # of the file, left out since the sentences have no such tokens


def read_gold(files: GoldFiles) -> list[GoldPair]:
    """The pairs of a gold set. Raises InputError for a line that is of another format."""
    pairs = list(_wpt(files) if files.format == "wpt" else _jsonl(files))
    if not pairs:
        raise InputError(f"{files.path}: no sentence pairs; expected one a line")
    return pairs


def synthetic_gold(settings: SyntheticGold, language: str) -> tuple[list[GoldPair], list[GoldPair]]:
    """Different pairs of one language: those to score, and those to fit together with them."""
    pairs: dict[tuple[str, str], GoldPair] = {}
    wanted, index = settings.pairs + settings.training_pairs, 0
    while len(pairs) < wanted:
        pair = pair_at(settings.seed, index, (language,))
        index += 1
        links = frozenset(pair.links)
        pairs.setdefault(
            (pair.source, pair.target),
            GoldPair(
                pair.source,
                pair.target,
                pair.source_words,
                pair.target_words,
                links,
                links,
                [(span.source_start, span.source_end) for span in pair.spans],
            ),
        )
    found = list(pairs.values())
    return found[: settings.pairs], found[settings.pairs :]


def _wpt(files: GoldFiles) -> Iterator[GoldPair]:
    assert files.links_path is not None
    lines, links = _lines(files.path), _lines(files.links_path)
    if len(lines) != len(links):
        raise InputError(
            f"{files.links_path}: {len(links)} lines of links for the {len(lines)} sentence pairs "
            f"of {files.path}; expected one for each"
        )
    for number, (line, entry) in enumerate(zip(lines, links, strict=True), 1):
        sides = line.split(" ||| ")
        if len(sides) != 2:
            raise InputError(f"{files.path}, line {number}: expected `source ||| target`")
        sure, possible = set(), set()
        for word in entry.split():
            if not (match := _LINK.fullmatch(word)):
                raise InputError(
                    f"{files.links_path}, line {number}: {word!r} is no link; expected 3-4 or 3p4"
                )
            link = int(match[1]) - 1, int(match[3]) - 1
            possible.add(link)
            if match[2] == "-":
                sure.add(link)
        where = f"{files.path}, line {number}"
        yield _gold_pair(where, sides[0].split(), sides[1].split(), sure, possible)


def _jsonl(files: GoldFiles) -> Iterator[GoldPair]:
    for number, line in enumerate(_lines(files.path), 1):
        where = f"{files.path}, line {number}"
        try:
            row = json.loads(line)
            links = {(int(i), int(j)) for i, j in row["links"]}
            if not (isinstance(row["source"], list) and isinstance(row["target"], list)):
                raise TypeError("a side is no list")  # a text would pass for a list of letters
            source, target = ([str(token) for token in row[side]] for side in ("source", "target"))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f'{where}: expected {{"source": [tokens], "target": [tokens], '
                f'"links": [[0, 0], ...]}} ({type(error).__name__}: {error})'
            ) from error
        yield _gold_pair(where, source, target, links, links)


def _gold_pair(
    where: str, source: list[str], target: list[str], sure: set[Link], possible: set[Link]
) -> GoldPair:
    for side, tokens in (("source", source), ("target", target)):
        if not "".join(tokens).strip():
            raise InputError(f"{where}: expected tokens on both sides; the {side} has none")
    inside = {(i, j) for i, j in possible if 0 <= i < len(source) and 0 <= j < len(target)}
    return GoldPair(
        " ".join(source),
        " ".join(target),
        _offsets(source),
        _offsets(target),
        frozenset(sure & inside),
        frozenset(inside),
        stray_links=len(possible - inside),
    )


def _offsets(tokens: Sequence[str]) -> list[Offsets]:
    ends = accumulate(len(token) + 1 for token in tokens)
    return [(end - 1 - len(token), end - 1) for token, end in zip(tokens, ends, strict=True)]


def _lines(name: str) -> list[str]:
    path = Path(name).expanduser()
    lines = []
    for number, line in enumerate(raw_lines(path), 1):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            raise InputError(f"{path}, line {number}: not UTF-8 ({error.reason})") from error
    return lines
