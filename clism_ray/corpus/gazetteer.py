"""A gazetteer: spans that stand in a list of entries.

The list is a UTF-8 text file, or several (`corpus.storage` says what a path may be): an entry a
line, and after a tab, if the entry is to have another label than the rest, its label. Entries are
normalised and cut into words as sentences are, so "Jean-Luc" is found where its three words stand
one after the other. Of several entries that begin at a word the longest counts, and reading goes on
behind it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from clism_ray.config_corpus import GazetteerConfig
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.clean import normalise
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.corpus.storage import find
from clism_ray.corpus.words import is_punctuation, length_in_words, surfaces
from clism_ray.errors import InputError

Trie: TypeAlias = dict[str, Any]  # word -> the words that may follow it; "" -> the entry it ends


class Entry(NamedTuple):
    """What an entry is called, and where it stands."""

    label: str
    line: str


@lru_cache(maxsize=1)
def read_gazetteer(config: GazetteerConfig, max_words: int) -> Trie:
    """The entries of a gazetteer as a tree of their words.

    Raises InputError, with file and line, for files that are not there, not UTF-8 or empty, for
    entries without a word or with over `max_words` of them, and for one with two labels.
    """
    trie: Trie = {}
    for where, text in _lines(config.path):
        entry, tab, label = text.partition("\t")
        entry, label = normalise(entry), normalise(label)
        words = surfaces(entry)
        if all(is_punctuation(word) for word in words) or (tab and not label):
            raise InputError(
                f"{where}: expected an entry, or an entry, a tab and its label; got {text!r}"
            )
        length = length_in_words(entry, len(words))
        if length > max_words:
            raise InputError(
                f"{where}: an entry of {length:g} words, but spans.max_words is {max_words}; "
                "raise it, or take the entry out"
            )
        node = trie
        for word in words:
            node = node.setdefault(_key(word, config.match_case), {})
        new = Entry(label or config.label, where)
        old = node.setdefault("", new)
        if old.label != new.label:
            raise InputError(
                f"{where}: {entry!r} is a {new.label!r}, but {old.line} calls it a "
                f"{old.label!r}; leave one of them out"
            )
    if not trie:
        raise InputError(f"spans.gazetteer.path: {config.path}: there is no entry in it")
    return trie


def entries_in(tokens: Sequence[str], trie: Trie, match_case: bool) -> list[Span]:
    """The longest entry that begins at each word, from left to right; disjoint, in order."""
    keys = [_key(token, match_case) for token in tokens]
    spans = []
    first = 0
    while first < len(keys):
        span = _longest(keys, first, trie)
        if span is not None:
            spans.append(span)
        first = span.end if span is not None else first + 1
    return spans


def _longest(keys: Sequence[str], first: int, trie: Trie) -> Span | None:
    span, node = None, trie
    for position in range(first, len(keys)):
        following = node.get(keys[position])
        if following is None:
            break
        node = following
        if "" in node:
            span = Span(first, position + 1, node[""].label)
    return span


def _key(word: str, match_case: bool) -> str:
    return word if match_case else word.casefold()


def _lines(path: str) -> Iterator[tuple[str, str]]:
    """Where each line of the files stands, and its text."""
    try:
        files = find(path)
    except InputError as error:
        raise InputError(f"spans.gazetteer.path: {error}") from error
    for file in files:
        for number, line in enumerate(raw_lines(file.path), 1):
            where = f"{file.path}, line {number}"
            try:
                yield where, line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{where}: not UTF-8 ({error.reason})") from error
