"""Parquet and TMX, and what a damaged row, unit or file of them costs."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.read import Unreadable, parse_chunk, read_chunks, read_pairs
from clism_ray.corpus.readers import chunk, lines
from clism_ray.corpus.readers.tmx import is_language
from clism_ray.errors import InputError
from clism_ray.records import Origin, SentencePair
from tests.parallel_text import corpus, refusal, texts, write

NAMES = {"source_column": "en", "target_column": "de"}


def parquet(path: Path, columns: dict[str, Any]) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=3)
    return path


def units(*units: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<tmx><body>{"".join(units)}</body></tmx>'.encode()


def unit(**texts: str) -> str:
    variants = (
        f'<tuv xml:lang="{code.replace("_", "-")}"><seg>{text}</seg></tuv>'
        for code, text in texts.items()
    )
    return f"<tu>{''.join(variants)}</tu>"


ONE = unit(en="one", de="eins")


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), "dictionary"],
)
def test_parquet_takes_columns_of_any_kind_of_text(tmp_path: Path, kind: Any) -> None:
    def column(values: list[str]) -> pa.Array:
        if kind == "dictionary":
            return pa.array(values).dictionary_encode()
        return pa.array(values).cast(kind)

    columns = {"de": column(["eins", "zwei"]), "n": [1, 2], "en": column(["one", "two"])}
    path = parquet(tmp_path / "a.parquet", columns)
    assert list(read_pairs(corpus(path, "parquet", **NAMES))) == [
        SentencePair(Origin("c", "a.parquet", 1), "en", "de", "one", "eins"),
        SentencePair(Origin("c", "a.parquet", 2), "en", "de", "two", "zwei"),
    ]


def test_parquet_takes_fields_of_a_struct_and_by_itself_those_of_translation(
    tmp_path: Path,
) -> None:
    path = parquet(tmp_path / "a.parquet", {"translation": [{"de": "eins", "en": "one"}, None]})
    expected = [("one", "eins"), "no_text"]
    assert texts(corpus(path, "parquet")) == expected
    named = {"source_column": "translation.en", "target_column": "translation.de"}
    assert texts(corpus(path, "parquet", **named)) == expected
    flat = parquet(tmp_path / "b.parquet", {"a.en": ["one"], "a.de": ["eins"]})
    named = {"source_column": "a.en", "target_column": "a.de"}
    assert texts(corpus(flat, "parquet", **named)) == [("one", "eins")]


def test_a_bad_parquet_row_costs_itself_and_shifts_nothing(tmp_path: Path) -> None:
    offsets = pa.array([0, 1, 2, 3, 4], pa.int32()).buffers()[1]
    broken = pa.StringArray.from_buffers(4, offsets, pa.py_buffer(b"a\xffcd"))
    columns = {"en": broken, "de": ["A", "B", None, "D"]}
    path = parquet(tmp_path / "a.parquet", columns)
    assert texts(corpus(path, "parquet", **NAMES)) == [
        *(("a", "A"), "undecodable", "no_text", ("d", "D"))
    ]


def test_a_parquet_file_of_another_schema_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"en": ["one"], "n": [1]})
    message = refusal(corpus(path, "parquet"))
    assert f"corpus 'c': {path}: no column 'translation.en'; the columns are en: string" in message
    message = refusal(corpus(path, "parquet", source_column="en", target_column="n"))
    assert f"{path}: column 'n' (target_column) holds int64, no text" in message


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"one\teins\n")
    assert f"{path}: cannot be read after row 0 (" in refusal(corpus(path, "parquet"))


def test_a_parquet_file_with_a_spoilt_column_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"zzzz": ["one"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"zzzz", b"z\xffzz"))
    assert f"{path}: cannot be read after row 0 (" in refusal(corpus(path, "parquet"))


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_lines_are_numbered_through_chunks_of_any_size(tmp_path: Path, size: int) -> None:
    five = [f"s {n}" for n in range(5)]
    text = "".join(f"{line}\n" for line in five).encode()
    target = str(write(tmp_path / "a.de", text))
    for files in (
        corpus(parquet(tmp_path / "a.parquet", {"en": five, "de": five}), "parquet", **NAMES),
        corpus(write(tmp_path / "a.tmx", units(*[ONE] * 5)), "tmx"),
        corpus(write(tmp_path / "a.en", text), "moses", target_path=target),
    ):
        entries = [
            e
            for part in read_chunks(files, size)
            for e in parse_chunk(files, Path(files.path).name, part)
        ]
        assert [entry.origin.line for entry in entries] == [1, 2, 3, 4, 5]
        assert entries == list(read_pairs(files))


def test_tmx_pairs_the_variants_of_a_unit(tmp_path: Path) -> None:
    other = '<tu><prop>x</prop><tuv lang="DE_at"><seg>z<hi>w</hi>ei</seg></tuv>'
    other += '<tuv lang="EN-us"><seg>t<ph>{<sub>no</sub>}</ph>wo &amp; <bpt i="1">b</bpt>more'
    other += "</seg></tuv></tu>"
    path = write(tmp_path / "a.tmx.gz", units(ONE, other))
    assert list(read_pairs(corpus(path, "tmx"))) == [
        SentencePair(Origin("c", "a.tmx.gz", 1), "en", "de", "one", "eins"),
        SentencePair(Origin("c", "a.tmx.gz", 2), "en", "de", "two & more", "zwei"),
    ]


def test_tmx_prefers_the_very_language_to_one_of_its_regions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tmx", units(unit(en_GB="colour", en="color", de_AT="Farbe")))
    assert texts(corpus(path, "tmx")) == [("color", "Farbe")]
    files = corpus(path, "tmx", source_language="en-GB")
    assert texts(files) == [("colour", "Farbe")]


def test_a_region_is_one_of_its_language_and_not_the_other_way_round() -> None:
    assert is_language("en_us", "en")
    assert is_language("zh-Hans-CN", "zh-Hans")
    assert not is_language("en", "en-US")
    assert not is_language("eng", "en")


def test_a_unit_without_the_languages_costs_itself_and_shifts_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tmx", units(ONE, unit(en="x", fr="y"), "<tu/>", ONE))
    assert texts(corpus(path, "tmx")) == [("one", "eins"), "no_text", "no_text", ("one", "eins")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tmx_may_have_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    content = units(ONE).decode().replace('<?xml version="1.0"?>', "").encode(encoding)
    assert texts(corpus(write(tmp_path / "a.tmx", content), "tmx")) == [("one", "eins")]


def test_an_entity_bomb_is_refused_and_the_grammar_of_tmx_is_not(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE tmx [<!ENTITY a "aa">\n<!ENTITY b "&a;&a;">]>'
    path = write(tmp_path / "bomb.tmx", units(unit(en="&b;", de="x"), head=bomb))
    assert f"{path}, line 1: declares the entity 'a'; entities are refused" in refusal(
        corpus(path, "tmx")
    )
    outside = '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    path = write(tmp_path / "outside.tmx", units(unit(en="&a;", de="x"), head=outside))
    assert "declares the entity 'a'" in refusal(corpus(path, "tmx"))
    path = write(
        tmp_path / "usual.tmx",
        units(ONE, unit(en="&x;", de="x"), head='<!DOCTYPE tmx SYSTEM "tmx14.dtd">'),
    )
    assert texts(corpus(path, "tmx")) == [("one", "eins"), "unknown_entity"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (units(ONE)[:-20], "line 1: not well-formed XML (unclosed token), after 0 units"),
        (units(ONE)[:-13], "line 1: not well-formed XML (no element found), after 1 units"),
        (b"<tmx>\n<tu>\xff</tu></tmx>", "line 2: not well-formed XML (not well-formed"),
        (b"<tmx>\n\n\0</tmx>", "line 3: not well-formed XML"),
        (b"", "not well-formed XML (no element found), after 0 units"),
        (b"<html/>", "line 1: the root element is <html>; expected <tmx>"),
        (b'<?xml version="1.0" encoding="nope"?><tmx/>', "unknown encoding"),
        (b"<tmx>" + b"<a>" * 200, "over 100 elements inside one another"),
        (units(unit(en="a", fr="b")), "no text in en and de: units 1 to 1 are in en, fr"),
    ],
)
def test_what_is_no_usable_tmx_is_refused_with_its_line(
    tmp_path: Path, content: bytes, part: str
) -> None:
    path = write(tmp_path / "a.tmx", content)
    message = refusal(corpus(path, "tmx"))
    assert str(path) in message
    assert part in message


def test_a_line_that_is_no_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_BYTES", 100)
    path = write(tmp_path / "a.tsv", b"a\tb\n" + b"x" * 200)
    assert f"{path}, line 2: over 0 MiB without a line feed" in refusal(corpus(path, "tsv"))


def test_long_lines_make_short_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk, "CHUNK_BYTES", 20)
    path = write(tmp_path / "a.tsv", b"a\tb\n" * 8 + b"c\t" + b"x" * 90 + b"\na\tb\n")
    files = corpus(path, "tsv")
    found = [
        len(list(parse_chunk(files, Path(files.path).name, part))) for part in read_chunks(files)
    ]
    assert found == [7, 2, 1]
    assert [entry.origin.line for entry in read_pairs(files)] == list(range(1, 11))


def test_a_lone_carriage_return_and_a_nul_are_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", b"a\rb\0\tc\rd\n\ne\tf\r\n")
    assert texts(corpus(path, "tsv")) == [("a\rb\0", "c\rd"), "too_few_columns", ("e", "f")]


def test_keys_that_are_not_there_are_told_whatever_the_lines_hold(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'[1]\n"text"\n{"x": 1}\n[[2]]\n')
    message = refusal(corpus(path, "jsonl", source_column="s", target_column="t"))
    assert message.endswith("lines 1 to 4 have the keys x")


@given(
    form=st.sampled_from(["tsv", "tsv.gz", "tsv.zst", "jsonl", "parquet", "tmx"]),
    content=st.binary(max_size=40),
)
def test_no_bytes_are_more_than_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, form: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"a.{form}"
    path.write_bytes(content)
    columns = {"source_column": "s", "target_column": "t"} if form in ("jsonl", "parquet") else {}
    with suppress(InputError):
        for line, entry in enumerate(read_pairs(corpus(path, form.split(".")[0], **columns)), 1):
            assert isinstance(entry, SentencePair | Unreadable)
            assert entry.origin.line == line
