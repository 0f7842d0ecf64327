"""Reading: every format, and what a damaged line or file costs."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.read import Unreadable, parse_chunk, read_chunks, read_pairs
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.errors import Unavailable
from clism_ray.records import Origin, SentencePair
from tests.parallel_text import corpus, refusal, texts, write


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_moses_pairs_line_n_with_line_n(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"a.en{suffix}", b"one\ntwo\n")
    target = write(tmp_path / f"a.de{suffix}", b"eins\nzwei")
    files = corpus(source, "moses", target_path=str(target))
    assert list(read_pairs(files)) == [
        SentencePair(Origin("c", source.name, 1), "en", "de", "one", "eins"),
        SentencePair(Origin("c", source.name, 2), "en", "de", "two", "zwei"),
    ]


def test_tsv_columns_go_by_position_or_by_the_header_and_quotes_are_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", b'id\ten\tde\r\n7\t"one\t"eins"\r\n')
    by_name = corpus(path, "tsv", header=True, source_column="en", target_column="de")
    by_place = corpus(path, "tsv", header=True, source_column=1, target_column=2)
    assert texts(by_name) == texts(by_place) == [('"one', '"eins"')]
    assert next(iter(read_pairs(by_name))).origin.line == 2


def test_jsonl_takes_keys(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({"s": "one", "t": "eins"}).encode() + b"\n")
    assert texts(corpus(path, "jsonl", source_column="s", target_column="t")) == [("one", "eins")]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", b"\xef\xbb\xbfone\teins\n")
    assert texts(corpus(path, "tsv")) == [("one", "eins")]


def test_a_bad_tsv_line_costs_itself_and_shifts_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", b"a\tb\n\xff\tx\n\nonly\n" + "c\u2028\x85\td\n".encode())
    entries = list(read_pairs(corpus(path, "tsv")))
    assert entries[1:4] == [
        Unreadable(Origin("c", "a.tsv", 2), "undecodable"),
        Unreadable(Origin("c", "a.tsv", 3), "too_few_columns"),
        Unreadable(Origin("c", "a.tsv", 4), "too_few_columns"),
    ]
    assert entries[4] == SentencePair(Origin("c", "a.tsv", 5), "en", "de", "c\u2028\x85", "d")


def test_an_undecodable_moses_line_drops_its_pair_only(tmp_path: Path) -> None:
    source = write(tmp_path / "a.en", b"one\n\xc3\nthree\n")
    target = write(tmp_path / "a.de", b"eins\nzwei\ndrei\n")
    files = corpus(source, "moses", target_path=str(target))
    assert texts(files) == [("one", "eins"), "undecodable", ("three", "drei")]


def test_bad_jsonl_lines_have_their_reasons(tmp_path: Path) -> None:
    lines = [b'{"s": "a", "t": "b"}', b"{", b"[1]", b'{"s": 1, "t": "b"}', b'{"s": "a"}', b""]
    lines += [b'{"s": "\\ud800", "t": "b"}', b"[" * 100_000]
    path = write(tmp_path / "a.jsonl", b"\n".join(lines) + b"\n")
    expected = ["bad_json", "bad_json", "no_text", "no_text", "bad_json", "undecodable", "bad_json"]
    files = corpus(path, "jsonl", source_column="s", target_column="t")
    assert texts(files) == [("a", "b"), *expected]


@given(
    st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=20),
    st.integers(1, 7),
)
def test_any_bytes_give_one_entry_a_line_in_chunks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int
) -> None:
    path = tmp_path_factory.mktemp("read") / "a.tsv"
    write(path, b"".join(line + b"\n" for line in [b"s\tt", *lines]))
    files = corpus(path, "tsv")
    entries = [
        e
        for chunk in read_chunks(files, size)
        for e in parse_chunk(files, Path(files.path).name, chunk)
    ]
    assert [entry.origin.line for entry in entries] == list(range(1, len(lines) + 2))
    assert entries == list(read_pairs(files))


def test_lines_that_end_in_cr_alone_are_refused_and_cr_inside_text_stays(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows.tsv", b"en\tde\rone cat\teins\rtwo\tzwei\rthree\tdrei")
    for header in (False, True):
        message = refusal(corpus(rows, "tsv", header=header))
        assert "the first line holds 3 CR and 4 tabs, as if lines ended in CR alone" in message
    inside = write(tmp_path / "inside.tsv", b"a\rb\rc\rd\te\rf\rg\nh\ti\n")
    assert texts(corpus(inside, "tsv")) == [("a\rb\rc\rd", "e\rf\rg"), ("h", "i")]


def test_an_empty_file_has_no_pairs(tmp_path: Path) -> None:
    assert texts(corpus(write(tmp_path / "a.tsv", b""), "tsv")) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'no.tsv'}: no such file" in refusal(corpus(tmp_path / "no.tsv", "tsv"))


def test_moses_files_of_unequal_length_are_refused_with_both_counts(tmp_path: Path) -> None:
    source, target = write(tmp_path / "a.en", b"1\n2\n3\n"), write(tmp_path / "a.de", b"1\n2\n")
    message = refusal(corpus(source, "moses", target_path=str(target)))
    assert f"{source} has 3 lines" in message
    assert f"{target} has 2" in message


def test_a_truncated_gzip_is_refused_with_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    content = b"".join(b"%d\tx\n" % (n * 7919 % 10007) for n in range(6_000))
    path.write_bytes(gzip.compress(content)[:-2000])
    message = refusal(corpus(path, "tsv"))
    assert f"{path}: cannot be read after line " in message
    assert "after line 0" not in message


def test_a_file_that_the_device_cannot_read_may_do_later(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.symlink_to("/proc/self/mem")  # its first page cannot be read: an I/O error
    with pytest.raises(Unavailable, match=r"a\.txt: cannot be read after line 0 .*try again when"):
        list(raw_lines(path))


def test_what_is_no_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(b"one\teins\n")
    message = refusal(corpus(path, "tsv"))
    assert f"{path}: cannot be read after line 0" in message
    assert message.endswith("the file is damaged or cut short: fetch it again")


def test_a_column_out_of_range_is_refused_with_the_range(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", b"a\tb\nc\td\n")
    assert "at most columns 0 to 1" in refusal(corpus(path, "tsv", target_column=5))
    message = refusal(corpus(path, "tsv", header=True, target_column=5))
    assert "target_column 5 is out of range; the columns are 0 to 1" in message
    assert "the columns are 0 and up" in refusal(corpus(path, "tsv", source_column=-1))


def test_an_unknown_header_name_or_key_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    tsv = write(tmp_path / "a.tsv", b"en\tde\na\tb\n")
    message = refusal(corpus(tsv, "tsv", header=True, source_column="eng", target_column="de"))
    assert "no column 'eng' (source_column); the header names en, de" in message
    jsonl = write(tmp_path / "a.jsonl", b'{"x": "a", "y": "b"}\n')
    message = refusal(corpus(jsonl, "jsonl", source_column="s", target_column="t"))
    assert "'s'" in message
    assert "the keys x, y" in message


@pytest.mark.parametrize(
    ("format", "settings", "part"),
    [
        ("moses", {}, "target_path belongs to format moses"),
        ("tsv", {"target_path": "b"}, "target_path belongs to format moses"),
        ("jsonl", {}, "takes a key as source_column"),
        ("tsv", {"source_column": "en"}, "header is false"),
        ("jsonl", {"header": True}, "header is for format tsv"),
    ],
)
def test_settings_that_do_not_fit_the_format_are_refused(
    tmp_path: Path, format: str, settings: dict[str, Any], part: str
) -> None:
    assert part in refusal(corpus(write(tmp_path / "a", b"a\tb\n"), format, **settings))
