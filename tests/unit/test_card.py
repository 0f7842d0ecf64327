"""The data card: every pair accounted for."""

import json
from collections import Counter
from pathlib import Path

import pytest

from clism_ray.corpus.card import (
    CARD,
    InputFile,
    kept,
    make_card,
    read_card,
    reasons,
    write_card,
)
from clism_ray.errors import InputError

COUNTS = Counter(
    {
        ("en-de", "news", "in"): 10,
        ("en-de", "news", "train"): 6,
        ("en-de", "news", "dev"): 1,
        ("en-de", "news", "empty"): 3,
        ("en-de", "talks", "in"): 2,
        ("en-de", "talks", "duplicate"): 2,
        ("en-hi", "news", "in"): 1000,
        ("en-hi", "news", "train"): 1000,
    }
)
SPANS = Counter({("en-de", "in"): 9, ("en-de", "kept"): 8, ("en-de", "not_linked"): 1})
FILES = [InputFile("news", "a<b>.tsv", 1234, "f00d")]
COPIES = {"en-hi": 77}
LICENCES = {"news": "CC0-1.0", "talks": "unknown"}


def test_the_card_counts_pairs_by_language_and_by_corpus() -> None:
    card = make_card(COUNTS, SPANS, LICENCES, FILES, COPIES)
    assert card["pairs"]["en-de"] == {"in": 12, "train": 6, "dev": 1, "empty": 3, "duplicate": 2}
    assert card["pairs_by_corpus"]["en-de talks"] == {
        **{"in": 2, "train": 0, "dev": 0, "duplicate": 2}
    }
    assert card["spans"]["en-de"] == {"in": 9, "kept": 8, "not_linked": 1}
    assert card["copies"] == {"en-hi": 77}


@pytest.mark.parametrize(
    ("key", "more"), [(("en-de", "news", "in"), 1), (("en-hi", "news", "train"), -1)]
)
def test_counts_that_do_not_add_up_are_an_error(key: tuple[str, str, str], more: int) -> None:
    with pytest.raises(RuntimeError, match=f"the counts of {key[0]} do not add up"):
        make_card(Counter({**COUNTS, key: COUNTS[key] + more}), SPANS, {}, [], {})


def test_span_counts_that_do_not_add_up_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="do not add up: 9 came in, 8 went out"):
        make_card(COUNTS, Counter({("en-de", "in"): 9, ("en-de", "kept"): 8}), {}, [], {})


def test_the_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    card = {**make_card(COUNTS, SPANS, LICENCES, FILES, COPIES), "made_of": {}}
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card


def test_a_card_that_could_not_be_written_takes_no_place(tmp_path: Path) -> None:
    write_card(tmp_path, {"whole": True})
    with pytest.raises(UnicodeEncodeError):
        write_card(tmp_path, {"half a character": "\ud800"})
    assert [path.name for path in tmp_path.iterdir()] == [CARD]
    assert json.loads((tmp_path / CARD).read_text()) == {"whole": True}


@pytest.mark.parametrize("damage", [None, "", "[1]", '{"pairs": {}}', "\xff"])
def test_a_card_that_is_missing_or_damaged_is_bad_input(tmp_path: Path, damage: str | None) -> None:
    if damage is not None:
        (tmp_path / CARD).write_bytes(damage.encode("latin-1"))
    with pytest.raises(InputError, match="not the data card of a prepared corpus"):
        read_card(tmp_path)


def test_a_row_tells_what_was_kept_and_its_reasons_commonest_first() -> None:
    row = {"in": 12, "empty": 1, "train": 6, "dev": 1, "duplicate": 2, "a": 2}
    assert kept(row) == 7
    assert list(reasons(row).items()) == [("a", 2), ("duplicate", 2), ("empty", 1)]
