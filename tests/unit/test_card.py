"""The data card: every pair accounted for."""

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from clism_ray.corpus.card import CARD, CARD_HTML, InputFile, make_card, write_card

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
LICENCES = {"news": "CC0-1.0", "talks": "unknown"}


def test_the_card_counts_pairs_by_language_and_by_corpus() -> None:
    card = make_card(COUNTS, SPANS, LICENCES, FILES)
    assert card["pairs"]["en-de"] == {"in": 12, "train": 6, "dev": 1, "empty": 3, "duplicate": 2}
    assert card["pairs_by_corpus"]["en-de talks"] == {
        **{"in": 2, "train": 0, "dev": 0, "duplicate": 2}
    }
    assert card["spans"]["en-de"] == {"in": 9, "kept": 8, "not_linked": 1}


@pytest.mark.parametrize(
    ("key", "more"), [(("en-de", "news", "in"), 1), (("en-hi", "news", "train"), -1)]
)
def test_counts_that_do_not_add_up_are_an_error(key: tuple[str, str, str], more: int) -> None:
    with pytest.raises(RuntimeError, match=f"the counts of {key[0]} do not add up"):
        make_card(Counter({**COUNTS, key: COUNTS[key] + more}), SPANS, {}, [])


def test_span_counts_that_do_not_add_up_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="do not add up: 9 came in, 8 went out"):
        make_card(COUNTS, Counter({("en-de", "in"): 9, ("en-de", "kept"): 8}), {}, [])


def test_the_page_shows_every_number_and_is_closed_html(tmp_path: Path) -> None:
    card = make_card(COUNTS, SPANS, LICENCES, FILES)
    write_card(tmp_path, card)
    assert json.loads((tmp_path / CARD).read_text()) == card
    page = (tmp_path / CARD_HTML).read_text()
    for text in ("1,000", "duplicate", "a&lt;b&gt;.tsv", "f00d", "CC0-1.0"):
        assert text in page

    class Tables(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.widths: list[int] = []
            self.cells = 0

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.cells += tag in ("td", "th")
            assert tag not in ("script", "link", "img")

        def handle_endtag(self, tag: str) -> None:
            if tag == "tr":
                self.widths.append(self.cells)
                self.cells = 0

    parser = Tables()
    parser.feed(page)
    assert parser.widths[0] == 6  # name, in, train, dev, empty, duplicate
    assert len(parser.widths) == 3 + 4 + 2 + 3 + 2
