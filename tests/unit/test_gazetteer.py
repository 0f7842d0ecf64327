"""Entries of a list in sentences."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_corpus import GazetteerConfig
from clism_ray.corpus.capitals import Span
from clism_ray.corpus.clean import normalise
from clism_ray.corpus.gazetteer import entries_in, read_gazetteer
from clism_ray.corpus.words import surfaces
from clism_ray.errors import InputError


def written(folder: Path, text: str | bytes, **settings: Any) -> GazetteerConfig:
    path = folder / "terms.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return GazetteerConfig(path=str(path), **settings)


def found(config: GazetteerConfig, text: str, max_words: int = 10) -> list[tuple[str, str]]:
    tokens = surfaces(text)
    spans = entries_in(tokens, read_gazetteer(config, max_words), config.match_case)
    return [(" ".join(tokens[span.first : span.end]), span.label) for span in spans]


ENTRIES = "New York\tplace\nNew York Times\npie chart\nYork ham\nJean-Luc\tperson\n北京\tplace\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the New York Times said", [("New York Times", "term")]),
        ("in New York", [("New York", "place")]),
        ("New York ham", [("New York", "place")]),  # from left to right
        ("New  York-based", [("New York", "place")]),
        ("old York ham, pie chart", [("York ham", "term"), ("pie chart", "term")]),
        ("Jean - Luc and Jean-Luc", [("Jean - Luc", "person")] * 2),
        ("new york and Pie Chart", []),
        ("New Yorkers", []),
        ("我在北京。", [("北 京", "place")]),
        ("", []),
    ],
)
def test_the_longest_entry_of_whole_words_is_found(
    tmp_path: Path, text: str, expected: list[tuple[str, str]]
) -> None:
    assert found(written(tmp_path, ENTRIES), text) == expected


def test_entries_lose_what_nobody_sees_as_sentences_do(tmp_path: Path) -> None:
    config = written(tmp_path, "\u200fNew\u200b Yo\xadrk\u200e\t\u200eplace\nمی\u200cخواهم\n")
    assert found(config, normalise("in New\u200b York")) == [("New York", "place")]
    assert found(config, normalise("می\u200cخواهم")) == [("می\u200cخواهم", "term")]


def test_the_case_may_be_left_out_of_account(tmp_path: Path) -> None:
    config = written(tmp_path, "Straße\nNATO\torganisation\n", match_case=False, label="word")
    assert found(config, "STRASSE und Nato") == [("STRASSE", "word"), ("Nato", "organisation")]


def test_several_files_packed_or_not_make_one_list(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffParis\r\nRome".encode())
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"Oslo\tcity\n"))
    config = GazetteerConfig(path=str(tmp_path), label="place")
    assert found(config, "Oslo Rome Paris") == [
        ("Oslo", "city"),
        ("Rome", "place"),
        ("Paris", "place"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Rome\n\nOslo\n", "terms.txt, line 2: expected an entry, .* got ''"),
        ("Rome\n \t place\n", "terms.txt, line 2: expected an entry"),
        ("Rome\n--\n", "terms.txt, line 2: expected an entry, .* got '--'"),
        ("Rome\t\n", "line 1: .* a tab and its label"),
        ("a b c d\n", "line 1: an entry of 4 words, but spans.max_words is 3"),
        (
            "Rome\ncity\nRome\tplace\n",
            "line 3: 'Rome' is a 'place', but .*line 1 calls it a 'term'",
        ),
        (b"Rome\nK\xf6ln\n", "terms.txt, line 2: not UTF-8"),
        ("", "there is no entry in it"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint) as error:
        read_gazetteer(written(tmp_path, text), max_words=3)
    assert len(str(error.value).splitlines()) == 1


def test_characters_of_a_script_without_spaces_are_no_words(tmp_path: Path) -> None:
    name = "中国国际经济交流中心理事会"
    config = written(tmp_path, f"{name}\torganisation\n")
    assert found(config, f"{name}说") == [(" ".join(name), "organisation")]
    with pytest.raises(InputError, match=r"an entry of 6\.5 words, but spans.max_words is 6"):
        read_gazetteer(config, max_words=6)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    config = GazetteerConfig(path=str(tmp_path / "none.txt"))
    with pytest.raises(InputError, match=r"spans\.gazetteer\.path: .*none\.txt: no such file"):
        read_gazetteer(config, max_words=3)


letters = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@given(st.lists(letters, min_size=1, max_size=8), st.lists(st.sampled_from("abcd"), max_size=12))
def test_reading_goes_from_left_to_right_as_a_search_by_hand_does(
    entries: list[list[str]], tokens: list[str]
) -> None:
    trie: dict[str, Any] = {}
    for entry in entries:
        node = trie
        for word in entry:
            node = node.setdefault(word, {})
        node[""] = Span(0, 0, "x")  # has a label
    spans, first = [], 0
    while first < len(tokens):
        sizes = [len(entry) for entry in entries if tokens[first : first + len(entry)] == entry]
        if sizes:
            spans.append((first, first + max(sizes)))
        first += max(sizes, default=1)
    assert [(span.first, span.end) for span in entries_in(tokens, trie, True)] == spans
