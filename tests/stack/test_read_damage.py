"""Damage of every kind: what was spoilt costs one entry or one clear error, and shifts nothing."""

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.intake import HeldOut, take_in
from clism_ray.corpus.read import read_pairs
from clism_ray.errors import InputError
from tests.parallel_text import corpus, lines, refusal, texts, write

KEYS = {"source_column": "s", "target_column": "t"}


def as_tmx(pairs: list[tuple[str, str]]) -> bytes:
    units = (
        f'<tu><tuv xml:lang="en"><seg>{s}</seg></tuv><tuv xml:lang="de"><seg>{t}</seg></tuv></tu>\n'
        for s, t in pairs
    )
    return f"<tmx>\n<body>\n{''.join(units)}</body></tmx>".encode()


def as_parquet(pairs: list[tuple[str, str]], group: int) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"s": [s for s, _ in pairs], "t": [t for _, t in pairs]})
    pq.write_table(table, sink, row_group_size=group)
    return sink.getvalue()


PAIRS = [(f"sentence {n} .", f"Satz {n} .") for n in range(60)]
TSV = "".join(f"{s}\t{t}\n" for s, t in PAIRS).encode()
FORMS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "tsv": (TSV, {}),
    "tsv.gz": (gzip.compress(TSV), {}),
    "tsv.zst": (pa.compress(TSV, "zstd", asbytes=True), {}),
    "jsonl": ("".join(f'{{"s": "{s}", "t": "{t}"}}\n' for s, t in PAIRS).encode(), KEYS),
    "parquet": (as_parquet(PAIRS, group=20), KEYS),
    "tmx": (as_tmx(PAIRS), {}),
}
EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 3), st.binary(max_size=4)),
    max_size=4,
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=100)
@given(edits=EDITS)
def test_spoilt_bytes_are_counted_or_one_error_that_names_the_file(
    tmp_path_factory: pytest.TempPathFactory, form: str, edits: list[tuple[float, int, bytes]]
) -> None:
    content, columns = FORMS[form]
    for place, removed, added in edits:
        at = int(place * len(content))
        content = content[:at] + added + content[at + removed :]
    path = tmp_path_factory.getbasetemp() / f"spoilt.{form}"
    path.write_bytes(content)
    try:
        found = lines(corpus(path, form.split(".")[0], **columns))
    except InputError as error:
        message = str(error)
        assert message.count(str(path)) >= 1 and "\n" not in message  # noqa: PT018
    else:
        assert found == list(range(1, len(found) + 1))


@pytest.mark.parametrize("form", ["tsv.gz", "tsv.zst", "parquet", "tmx"])
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, form: str) -> None:
    content, columns = FORMS[form]
    path = tmp_path / f"cut.{form}"
    for length in range(0, len(content), 1 if len(content) < 1000 else 37):
        path.write_bytes(content[:length])
        assert str(path) in refusal(corpus(path, form.split(".")[0], **columns))


SPOILT_LINES = st.lists(
    st.sampled_from([b"", b"\r", b"\0", b"\xff\t\xfe", b"only", b"\xef\xbb\xbf", b"{", b"a\rb\tc"])
    | st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"")),
    max_size=6,
)


@settings(max_examples=200)
@given(before=SPOILT_LINES, between=SPOILT_LINES, form=st.sampled_from(["tsv", "jsonl", "moses"]))
def test_bad_lines_leave_the_good_ones_their_numbers(
    tmp_path_factory: pytest.TempPathFactory, before: list[bytes], between: list[bytes], form: str
) -> None:
    good = {"tsv": b"one\teins", "jsonl": b'{"s": "one", "t": "eins"}', "moses": b"one"}[form]
    path = tmp_path_factory.getbasetemp() / f"lines.{form}"
    path.write_bytes(b"".join(line + b"\n" for line in (*before, good, *between, good)))
    settings: dict[str, Any] = KEYS if form == "jsonl" else {}
    if form == "moses":
        target = path.with_suffix(".target")
        target.write_bytes(b"eins\n" * (len(before) + len(between) + 2))
        settings = {"target_path": str(target)}
    found = texts(corpus(path, form, **settings))
    assert len(found) == len(before) + len(between) + 2
    assert found[len(before)] == found[-1] == ("one", "eins")


def test_a_line_of_ten_megabytes_is_counted_as_too_long(tmp_path: Path) -> None:
    long = b"word " * 2_000_000
    path = write(tmp_path / "a.tsv", b"one a\teins b\n" + long + b"\tkurz\n" + b"two c\tzwei d\n")
    rows, counts, _ = take_in(
        read_pairs(corpus(path, "tsv")), "en-de", CleaningConfig(), HeldOut(False, (), 0.0)
    )
    assert [row["line"] for row in rows["train"]] == [1, 3]
    assert counts["en-de", "c", "too_long"] == 1
    assert counts["en-de", "c", "in"] == 3


@pytest.mark.parametrize("form", ["tsv.zst", "parquet", "tmx"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    """64 MiB of text, of which a run holds the chunk it is at."""
    pairs = [(f"{n:07} {'a word ' * 21}", f"{n:07} {'ein Wort ' * 18}") for n in range(200_000)]
    if form == "parquet":
        content = as_parquet(pairs, group=len(pairs))
    else:
        content = (
            as_tmx(pairs) if form == "tmx" else "".join(f"{s}\t{t}\n" for s, t in pairs).encode()
        )
    path = write(tmp_path / f"a.{form}", content)
    columns = KEYS if form == "parquet" else {}
    code = (
        "import re\n"
        "from pathlib import Path\n"
        "from clism_ray.corpus.read import read_pairs\n"
        "from tests.parallel_text import corpus\n"
        "def peak():\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    return int(re.search('VmHWM:.*?([0-9]+)', status)[1])\n"
        f"pairs = read_pairs(corpus({str(path)!r}, {form.split('.')[0]!r}, **{columns!r}))\n"
        "next(pairs)\n"
        "before = peak()\n"
        "print(1 + sum(1 for _ in pairs))\n"
        "print(peak() - before)\n"
    )
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}  # others keep what is free
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == len(pairs)
    assert grown < 24 << 10  # KiB
