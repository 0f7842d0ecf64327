"""From stored pairs to aligned pairs, every one accounted for."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from clism_ray.config_corpus import SpanConfig
from clism_ray.corpus.arrays import Ints
from clism_ray.corpus.build import LanguagePair, build
from clism_ray.corpus.features import Features
from clism_ray.corpus.intake import SCHEMA, in_key_order, key
from clism_ray.corpus.links import Links, links_of
from clism_ray.corpus.sides import Side
from clism_ray.corpus.spans import finder
from clism_ray.corpus.systran import Systran
from clism_ray.corpus.tables import fit, open_tables
from clism_ray.records import ALIGNED_SCHEMA, SpanPair, from_row

SAMPLE = [
    pair
    for city in ("Rome", "Oslo", "Lima", "Bonn")
    for pair in (
        (f"we like {city} .", f"wir lieben {city} ."),
        (f"he saw {city} .", f"er sah {city} ."),
        ("we saw it .", "wir sahen es ."),
    )
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> LanguagePair:
    folder = tmp_path_factory.mktemp("tables")
    fit(SAMPLE, folder, iterations=3)
    return LanguagePair(open_tables(folder), finder(SpanConfig(), "en"), max_words=10)


def stored(*pairs: tuple[str, str], files: str = "abcdefgh") -> pa.Table:
    rows = [
        {
            "key": key("en", "de", source, target),
            "source_language": "en",
            "target_language": "de",
            "source": source,
            "target": target,
            "corpus": "c",
            "file": files[n],
            "line": n + 1,
        }
        for n, (source, target) in enumerate(pairs)
    ]
    return in_key_order(pa.Table.from_pylist(rows, schema=SCHEMA))


class Unable:
    """A linker for which some pairs are too long."""

    batch = 2
    min_trust = 0.0
    is_independent = True

    def links(
        self, source: Side, target: Side, features: tuple[Features, Features], pairs: Ints
    ) -> Links:
        words = target.take(pairs).words()
        trust = [{(2, 0): 0.9} if len(of_pair) < 5 else None for of_pair in words]
        return links_of(trust, source, target, pairs)


def test_a_pair_that_the_aligner_cannot_read_is_counted(tmp_path: Path) -> None:
    fit(SAMPLE, tmp_path, iterations=3, method="neural")
    parts = LanguagePair(open_tables(tmp_path, Unable()), finder(SpanConfig(), "en"), max_words=10)
    rows = stored(
        ("we saw Rome .", "wir sahen dich in Rom ."),
        ("we saw Rome .", "Rom ."),
        ("we saw Oslo .", "wir sahen dich in Oslo ."),  # it need not be asked
    )
    table, counts, spans, samples = build(rows, "train", lambda *_: parts)
    pairs = {pair.target: pair for pair in map(from_row, table.to_pylist())}
    assert set(pairs) == {"Rom .", "wir sahen dich in Oslo ."}
    assert pairs["Rom ."].spans[0].score == pytest.approx(0.9)
    assert counts == {("en-de", "c", "train"): 2, ("en-de", "c", "too_many_tokens"): 1}
    assert spans["en-de", "too_many_tokens"] == 1
    assert [line.target for line in samples["en-de", "c", "too_many_tokens"]] == [
        "wir sahen dich in Rom ."
    ]


def test_a_pair_gets_its_projected_spans(parts: LanguagePair) -> None:
    rows = stored(("we saw Rome .", "Rome sahen wir ."))
    table, counts, spans, samples = build(rows, "train", lambda *_: parts)
    assert samples == {}
    assert table.schema == ALIGNED_SCHEMA
    (pair,) = (from_row(row) for row in table.to_pylist())
    assert pair.spans == (SpanPair(7, 11, 0, 4, "name", 1.0),)
    assert counts == Counter({("en-de", "c", "train"): 1})
    assert spans == Counter({("en-de", "in"): 1, ("en-de", "kept"): 1})


def test_rows_stay_in_their_order_whatever_their_languages(
    parts: LanguagePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Systran, "batch", 2)  # so that a language pair takes several
    texts = [(f"we saw Rome {n} .", f"wir sahen Rome {n} .") for n in range(9)]
    rows = stored(*texts, files="a" * 9)
    languages = pa.array(["de", "nl", "de"] * 3)
    rows = rows.set_column(SCHEMA.names.index("target_language"), "target_language", languages)
    table, counts, _, _ = build(rows, "train", lambda *_: parts)
    for column in ("line", "source", "target", "target_language"):
        assert table[column].to_pylist() == rows[column].to_pylist()
    assert counts == {("en-de", "c", "train"): 6, ("en-nl", "c", "train"): 3}


def test_what_is_not_kept_has_a_reason(parts: LanguagePair) -> None:
    rows = stored(
        ("we like Rome .", "wir lieben Rome ."),
        ("we like it .", "wir lieben es ."),
        ("we like Zork .", "wir lieben Florp ."),
    )
    table, counts, _, samples = build(rows, "dev", lambda *_: parts)
    assert table.num_rows == 1
    assert counts == Counter(
        {("en-de", "c", "dev"): 1, ("en-de", "c", "no_span"): 1, ("en-de", "c", "unknown_word"): 1}
    )
    shown = {kind[2]: [line[1:] for line in lines] for kind, lines in samples.items()}
    assert shown == {
        "no_span": [("b", 2, "we like it .", "wir lieben es .")],
        "unknown_word": [("c", 3, "we like Zork .", "wir lieben Florp .")],
    }


@pytest.mark.parametrize("files", ["abc", "cba", "bca"])
def test_of_equal_pairs_the_lowest_origin_stays(parts: LanguagePair, files: str) -> None:
    rows = stored(*[("we like Rome .", "wir lieben Rome .")] * 3, files=files)
    table, counts, _, samples = build(rows, "train", lambda *_: parts)
    assert {line.file for line in samples["en-de", "c", "duplicate"]} == {"b", "c"}
    assert table["file"].to_pylist() == ["a"]
    assert counts == Counter({("en-de", "c", "train"): 1, ("en-de", "c", "duplicate"): 2})


def test_an_empty_bucket_builds_an_empty_table(parts: LanguagePair) -> None:
    table, counts, spans, samples = build(stored(), "train", lambda *_: parts)
    assert not samples
    assert (table.num_rows, table.schema) == (0, ALIGNED_SCHEMA)
    assert not counts
    assert not spans


def test_near_duplicates_are_dropped_by_their_keys_and_told_apart(parts: LanguagePair) -> None:
    near, twice = ("we like Rome .", "wir lieben Rome ."), ("we saw Oslo .", "wir sahen Oslo .")
    rows = stored(near, twice, twice, ("he saw Lima .", "er sah Lima ."))
    keys = {key("en", "de", *texts) for texts in (near, twice)}
    table, counts, _, samples = build(rows, "train", lambda *_: parts, keys)
    assert table["target"].to_pylist() == ["er sah Lima ."]
    assert counts == {
        ("en-de", "c", "train"): 1,
        ("en-de", "c", "near_duplicate"): 2,
        ("en-de", "c", "duplicate"): 1,
    }
    lines = samples["en-de", "c", "near_duplicate"]
    assert {line.target for line in lines} == {near[1], twice[1]}


def test_equal_texts_in_two_languages_are_no_duplicates(parts: LanguagePair) -> None:
    rows = stored(*[("we like Rome .", "wir lieben Rome .")] * 2)
    languages = pa.array(["de", "nl"])
    rows = rows.set_column(SCHEMA.names.index("target_language"), "target_language", languages)
    table, *_ = build(rows, "train", lambda *_: parts)
    assert table["target_language"].to_pylist() == ["de", "nl"]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_batches_of_which_nothing_stays_leave_the_others(
    parts: LanguagePair, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(Systran, "batch", batch)
    texts = [("we like it .", f"wir lieben es {n} .") for n in range(4)]
    rows = stored(*texts, ("we like Rome .", "wir lieben Rome ."))
    table, counts, spans, _ = build(rows, "train", lambda *_: parts)
    assert table["target"].to_pylist() == ["wir lieben Rome ."]
    assert counts == {("en-de", "c", "train"): 1, ("en-de", "c", "no_span"): 4}
    assert spans == {("en-de", "in"): 1, ("en-de", "kept"): 1}
    _, _, spans, _ = build(stored(*texts), "train", lambda *_: parts)
    assert dict(spans) == {("en-de", "in"): 0, ("en-de", "kept"): 0}
