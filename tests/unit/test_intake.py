"""From read pairs to stored rows: splits, keys, buckets, counts."""

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.intake import (
    KEYS,
    HeldOut,
    bucket_of,
    deciding,
    in_key_order,
    key,
    read_bucket,
    split_of,
    take_in,
    text_key,
    write_buckets,
)
from clism_ray.corpus.read import Unreadable
from clism_ray.errors import Unavailable
from clism_ray.records import Origin, SentencePair

NONE_HELD_OUT = HeldOut(is_dev_corpus=False, texts=(), fraction=0.0)


def pair(source: str, target: str, line: int = 1, file: str = "f") -> SentencePair:
    return SentencePair(Origin("c", file, line), "en", "de", source, target)


def test_every_line_is_a_row_or_a_counted_reason() -> None:
    entries = [
        pair(" One  house ", "Ein Haus", 1),
        pair("", "leer", 2),
        Unreadable(Origin("c", "f", 3), "undecodable"),
        pair("Held out", "Behalten", 4),
    ]
    held_out = HeldOut(False, {text_key("held OUT")}, 0.0)
    rows, counts, samples = take_in(entries, "en-de", CleaningConfig(), held_out)
    assert [(row["source"], row["line"]) for row in rows["train"]] == [("One house", 1)]
    assert rows["dev"] == []
    assert counts == Counter(
        {
            ("en-de", "c", "in"): 4,
            ("en-de", "c", "empty"): 1,
            ("en-de", "c", "undecodable"): 1,
            ("en-de", "c", "in_dev"): 1,
        }
    )
    shown = {kind[2]: [line[2:] for line in lines] for kind, lines in samples.items()}
    assert shown == {
        "empty": [(2, "", "leer")],
        "undecodable": [(3, None, None)],
        "in_dev": [(4, "Held out", "Behalten")],
    }


def test_a_dev_corpus_feeds_dev() -> None:
    rows, _, _ = take_in([pair("a b", "c d")], "en-de", CleaningConfig(), HeldOut(True, (), 0.0))
    assert len(rows["dev"]) == 1


@given(st.text(min_size=1), st.floats(0, 1))
def test_the_split_depends_on_the_text_alone_whatever_its_case(text: str, share: float) -> None:
    held_out = HeldOut(False, (), share)
    assert split_of(text, held_out) == split_of(text.casefold(), held_out)


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        (("en", "de"), "source"),
        (("de", "en"), "target"),
        (("fr", "en-GB"), "target"),
        (("en-US", "en-GB"), "source"),
        (("de", "fr"), "source"),
    ],
)
def test_the_english_side_decides_or_the_source(languages: tuple[str, str], text: str) -> None:
    assert deciding("source", "target", *languages) == text


def test_an_english_sentence_is_on_one_side_whatever_it_is_translated_from() -> None:
    splits: dict[str, set[str]] = {}
    for languages in (("en", "de"), ("de", "en"), ("fr", "en")):
        for n in range(40):
            texts = [f"{n} {language} words" for language in languages]
            entry = SentencePair(Origin("c", "f", n), *languages, *texts)
            rows, _, _ = take_in([entry], "-", CleaningConfig(), HeldOut(False, (), 0.5))
            (split,) = (name for name, of_split in rows.items() if of_split)
            splits.setdefault(f"{n} en words", set()).add(split)
    assert {len(found) for found in splits.values()} == {1}
    assert set().union(*splits.values()) == {"train", "dev"}


def test_a_fraction_holds_out_about_that_share() -> None:
    splits = Counter(split_of(f"sentence {n}", HeldOut(False, (), 0.1)) for n in range(5000))
    assert splits["dev"] == pytest.approx(500, rel=0.2)


def test_the_key_tells_texts_apart_and_where_they_are_cut() -> None:
    assert key("a", "b") == key("a", "b")
    assert len({key("a", "b"), key("b", "a"), key("ab", ""), key("a", "b", "")}) == 4


@given(st.integers(0, KEYS - 1), st.integers(0, KEYS - 1), st.integers(1, 1000))
def test_buckets_are_runs_of_keys(first: int, second: int, buckets: int) -> None:
    assert 0 <= bucket_of(first, buckets) < buckets
    if first <= second:
        assert bucket_of(first, buckets) <= bucket_of(second, buckets)
    assert bucket_of(0, buckets) == 0
    assert bucket_of(KEYS - 1, buckets) == buckets - 1


def test_what_was_stored_in_any_order_comes_back_in_key_order(tmp_path: Path) -> None:
    entries = [pair(f"s {n % 40}", f"t {n % 40}", n, f"f{n % 3}") for n in range(100)]
    tables = []
    for turn in range(2):
        random.Random(turn).shuffle(entries)
        for n in range(4):
            rows, _, _ = take_in(entries[n::4], "en-de", CleaningConfig(), NONE_HELD_OUT)
            write_buckets(rows["train"], tmp_path / str(turn) / f"{n}.arrow", buckets=3)
        folder = tmp_path / str(turn)
        paths = sorted(folder.glob("*.arrow"))[:: 1 - 2 * turn]
        tables.append([in_key_order(read_bucket(paths, b)).to_pylist() for b in range(3)])
    assert tables[0] == tables[1]
    rows = [row for table in tables[0] for row in table]
    assert len(rows) == 100
    order = [(row["key"], row["corpus"], row["file"], row["line"]) for row in rows]
    assert order == sorted(order)


def test_a_piece_that_is_not_seen_is_missed(tmp_path: Path) -> None:
    assert read_bucket([], 0).num_rows == 0
    with pytest.raises(Unavailable, match=r"a\.arrow: was written and is not seen here"):
        read_bucket([tmp_path / "a.arrow"], 0)
