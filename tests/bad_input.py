"""Bad input, one file of each kind, and what preparation makes of it: a page for users.

python -m tests.bad_input > clism_ray/corpus/readers/BAD_INPUT.md
"""

import gzip
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}  # before it is imported

import pyarrow as pa
import pyarrow.parquet as pq

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.intake import HeldOut, take_in
from clism_ray.corpus.read import read_pairs
from clism_ray.corpus.readers.lines import LINE_BYTES
from clism_ray.errors import InputError
from tests.parallel_text import corpus

HEAD = """# Bad input, and what it costs

Each row is a file with one thing wrong, and what reading and cleaning make of it: lines that are
kept, lines that are dropped and counted under a reason, or one error that stops the preparation.
Lines that are kept keep their numbers. The page is written by `python -m tests.bad_input`, and a
test writes it again; other tests spoil bytes at random.
"""
GOOD = b"we saw the old house\twir sahen das alte haus\n"
KEYS = {"source_column": "s", "target_column": "t"}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


class Case(NamedTuple):
    """A corpus with something wrong."""

    what: str
    format: str
    files: dict[str, bytes]  # by name; the corpus is of the first
    settings: dict[str, Any]


def tsv(what: str, content: bytes, name: str = "a.tsv", **settings: Any) -> Case:
    return Case(what, "tsv", {name: content}, settings)


def jsonl(what: str, line: bytes) -> Case:
    good = b'{"s": "we saw the old house", "t": "wir sahen das alte haus"}\n'
    return Case(what, "jsonl", {"a.jsonl": good + line + b"\n" + good}, KEYS)


def moses(what: str, source: bytes, target: bytes) -> Case:
    return Case(what, "moses", {"a.en": source, "a.de": target}, {"target_path": "a.de"})


def tmx(what: str, unit: str, head: str = "", foot: str = "</body></tmx>") -> Case:
    good = (
        '<tu><tuv xml:lang="en"><seg>we saw the old house</seg></tuv>'
        '<tuv xml:lang="de"><seg>wir sahen das alte haus</seg></tuv></tu>\n'
    )
    return Case(
        what, "tmx", {"a.tmx": f"{head}<tmx><body>\n{good}{unit}\n{good}{foot}".encode()}, {}
    )


def parquet(what: str, columns: dict[str, list[Any]], cut: int = 0) -> Case:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    content = sink.getvalue()
    return Case(what, "parquet", {"a.parquet": content[: len(content) - cut]}, KEYS)


def cases() -> Iterator[Case]:
    """Every kind of damage, the harmless first."""
    house, haus = (side.decode() for side in GOOD.rstrip().split(b"\t"))
    yield tsv("a byte order mark", b"\xef\xbb\xbf" + GOOD)
    yield tsv("lines that end in CR LF", GOOD.replace(b"\n", b"\r\n") * 2)
    yield tsv("a lone CR inside a line", GOOD.replace(b"old", b"old\r") + GOOD)
    yield tsv("NUL inside a line", GOOD.replace(b"old", b"o\0ld") + GOOD)
    yield tsv("no line feed at the end", GOOD + GOOD.rstrip())
    yield tsv("broken UTF-8", GOOD + GOOD.replace(b"alte", b"\xc3(") + GOOD)
    yield tsv("an empty line in the middle", GOOD + b"\n" + GOOD)
    yield tsv("a missing column", GOOD + b"we saw the old house\n" + GOOD)
    yield tsv("a side without text", GOOD + b"\t" + GOOD + GOOD)
    yield tsv("a line of 10 MB", GOOD + b"word " * 2_000_000 + b"\twort\n" + GOOD)
    marks = "\u0301\u0327".encode() * 2_500_000
    yield tsv("a line of 10 MB, all combining marks", GOOD + b"a" + marks + b"\twort\n" + GOOD)
    yield moses("an empty line in the middle", b"we saw it\n\nwe saw it\n", b"a b\nx\na b\n")
    yield jsonl("broken JSON", b'{"s": "we saw')
    yield jsonl("a key that is missing", b'{"s": "we saw the old house"}')
    yield jsonl("half a surrogate pair", b'{"s": "\\ud800", "t": "wir"}')
    yield parquet("a null", {"s": [house, None, house], "t": [haus, haus, haus]})
    yield tmx("a unit without the language", '<tu><tuv xml:lang="en"><seg>a</seg></tuv></tu>')
    yield tmx(
        "an entity that nothing declares, in a file with a DOCTYPE",
        '<tu><tuv xml:lang="en"><seg>&x; b c</seg></tuv>'
        '<tuv xml:lang="de"><seg>a b c</seg></tuv></tu>',
        head='<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n',
    )
    yield tsv("a truncated .gz", gzip.compress(GOOD * 9, mtime=0)[:-9], "a.tsv.gz")
    yield tsv("a .gz that is none", GOOD, "a.tsv.gz")
    yield tsv("a truncated .zst", pa.compress(GOOD * 9, "zstd", asbytes=True)[:-3], "a.tsv.zst")
    yield tsv("a line over 64 MiB", GOOD + b"x" * (LINE_BYTES + 1))
    yield tsv("lines that end in CR alone", GOOD.replace(b"\n", b"\r") * 9)
    yield tsv("columns that no line has", GOOD * 3, target_column=4)
    yield tsv(
        "a header without the column",
        b"en\tfr\n" + GOOD,
        header=True,
        **KEYS | {"source_column": 0},
    )
    yield moses("sides of unequal length", b"one\ntwo\n", b"eins\n")
    yield parquet("another schema", {"text": [house], "label": [1]})
    yield parquet("a column that is no text", {"s": [house], "t": [1]})
    yield parquet("a file cut short", {"s": [house], "t": [haus]}, cut=9)
    yield tmx("an entity bomb", "", f'<!DOCTYPE tmx [<!ENTITY l0 "ha">{LAUGHS}]>\n')
    yield tmx("a file cut short", "", foot="")
    yield Case("a file that is not there", "tsv", {}, {"path": "none.tsv"})
    yield Case("a folder without files", "tsv", {"empty/.keep": b""}, {"path": "empty"})
    yield Case("a hub that cannot be reached", "huggingface", {}, {"path": "some/dataset"})


def outcome(case: Case, folder: Path) -> str:
    """The fate of each line, or the error; paths as from the folder."""
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    settings = {"path": next(iter(case.files), ""), **case.settings}
    for key in {"path", "target_path"}.intersection(settings):
        if case.format != "huggingface":
            settings[key] = str(folder / settings[key])
    try:
        fates = list(_fates(corpus(format=case.format, **settings)))
    except InputError as error:
        message = re.sub("0x[0-9a-f]+", "0x...", str(error))
        return f"`{message.replace(f'{folder}/', '')}`"
    lines: dict[str, list[str]] = {}
    for fate, line in fates:
        lines.setdefault(fate, []).append(str(line))
    return "; ".join(
        f"{fate}: line{'s' if len(numbers) > 1 else ''} {' and '.join(numbers)}"
        for fate, numbers in lines.items()
    )


def _fates(files: Any) -> Iterator[tuple[str, int]]:
    for entry in read_pairs(files):
        kept = HeldOut(is_dev_corpus=False, texts=(), fraction=0.0)
        _, counts, _ = take_in([entry], "en-de", CleaningConfig(), kept)
        reasons = [reason for _, _, reason in counts if reason != "in"]
        yield (f"`{reasons[0]}`" if reasons else "kept"), entry.origin.line


def page() -> str:
    """The page, a row for each case."""
    rows = ["", "| format | what is wrong | what comes of it |", "|---|---|---|"]
    for case in cases():
        with tempfile.TemporaryDirectory() as folder:
            told = outcome(case, Path(folder)).replace("|", "\\|")
        rows.append(f"| `{case.format}` | {case.what} | {told} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
