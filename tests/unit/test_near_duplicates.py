"""Near duplicates: what is alike, what is found, and that the way of finding it does not show."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clism_ray.corpus.intake import (
    SCHEMA,
    SPLITS,
    Split,
    bucket_of,
    buckets_of,
    key,
    read_bucket,
    write_buckets,
)
from clism_ray.corpus.minhash import RECALL, are_alike, band_hashes, bands_for, jaccard
from clism_ray.corpus.near_duplicates import (
    _as_batch,
    bring_texts,
    meet,
    near_keys,
    note_bands,
    places,
)
from clism_ray.corpus.pieces import counted, once
from clism_ray.corpus.taken_in import piece, pieces, record
from clism_ray.errors import Unavailable

Pair = tuple[str, str]
WORDS = [f"{a}{b}{c}" for a in "bdgklmnprst" for b in "aeiou" for c in ("ck", "st", "mp", "ne")]


def sentence(choose: random.Random, words: int = 12) -> list[str]:
    return [choose.choice(WORDS) for _ in range(words)]


def varied(choose: random.Random, texts: int) -> list[Pair]:
    """Sentence pairs, and copies of some with a few words changed."""
    found = [(sentence(choose), sentence(choose)) for _ in range(texts)]
    for source, target in found[::2]:
        changed = [list(source), list(target)]
        for _ in range(choose.randrange(1, 3)):
            choose.choice(changed)[choose.randrange(12)] = choose.choice(WORDS)
        found.append((changed[0], changed[1]))
    return [(" ".join(source), " ".join(target)) for source, target in found]


def stored(
    folder: Path, pairs: dict[Split, Sequence[Pair]], buckets: dict[Split, int], target: str = "de"
) -> None:
    """Write pairs as taking in does, in several files, beside those that are there."""
    for corpora in SPLITS:
        once(record(folder, corpora), lambda: (Counter(), Counter()))
    written = counted(record(folder, "train"))[1]
    for split, texts in pairs.items():
        for start in range(0, len(texts), 7):
            rows: list[dict[str, object]] = [
                {
                    **{"key": key("en", target, *pair), "source": pair[0], "target": pair[1]},
                    **{"source_language": "en", "target_language": target},
                    **{"corpus": "c", "file": "f", "line": start + n + 1},
                }
                for n, pair in enumerate(texts[start : start + 7])
            ]
            name = f"{target}-{start:05d}"
            write_buckets(rows, piece(folder, split, name), buckets[split])
            written[split, f"en-{target}", name] = len(rows)
    record(folder, "train").unlink()
    once(record(folder, "train"), lambda: (Counter(), written))


def found(
    folder: Path,
    pairs: dict[Split, Sequence[Pair]],
    threshold: float,
    buckets: dict[Split, int] | None = None,
    order: random.Random | None = None,
) -> set[Pair]:
    """The near duplicates that the stages find, run in the given order."""
    buckets = buckets or {"train": 3, "dev": 1}
    stored(folder, {split: pairs.get(split, ()) for split in SPLITS}, buckets)
    every, numbers = places(buckets), list(range(buckets["train"]))
    for task in (note_bands, meet, bring_texts):
        if order:
            order.shuffle(every)
            order.shuffle(numbers)
        if task is meet:
            for number in numbers:
                meet(folder, buckets, number)
        for place in every:
            if task is note_bands:
                note_bands(folder, buckets, threshold, *place)
            elif task is bring_texts:
                bring_texts(folder, buckets, *place)
    losers = set()
    for number in numbers:
        rows = read_bucket(pieces(folder, "train"), number)
        keys = near_keys(folder, buckets, threshold, "train", number, rows)
        losers |= {(r["source"], r["target"]) for r in rows.to_pylist() if r["key"] in keys}
    return losers


def shingles(text: str) -> set[bytes]:
    data = text.casefold().replace(" ", "").encode()
    return {data[n : n + 4] for n in range(len(data) - 3)}


def compared(pairs: Sequence[Pair], threshold: float) -> set[Pair]:
    """The same by comparing all with all, on sets."""
    ordered = sorted(set(pairs), key=lambda pair: key("en", "de", *pair))
    sets = [tuple(map(shingles, pair)) for pair in ordered]
    return {
        pair
        for n, pair in enumerate(ordered)
        if any(
            all(len(a & b) >= threshold * len(a | b) for a, b in zip(sets[n], other, strict=True))
            for other in sets[:n]
        )
    }


def test_the_similarity_of_two_texts_is_the_share_of_their_common_runs() -> None:
    assert jaccard("abcdef", "ABC def") == 1
    assert jaccard("abcdef", "abcdeg") == pytest.approx(2 / 4)
    assert jaccard("ab", "ab") == 1
    assert jaccard("ab", "abc") == 0
    assert jaccard("北京", "北京大") == pytest.approx(3 / 6)  # three bytes to a character


def test_one_sentence_with_two_translations_is_no_near_duplicate() -> None:
    source = "the cat sat on the mat for a very long time indeed"
    one = (source, "die katze saß lange")
    assert are_alike(one, (source, "die katze saß lange!"), 0.8)
    assert not are_alike(one, (source, "ein tier war da"), 0.1)
    assert not are_alike(one[::-1], ("ein tier war da", source), 0.1)


@given(st.text(), st.text())
def test_likeness_is_symmetric_and_complete_for_equal_texts(one: str, other: str) -> None:
    assert jaccard(one, one) == 1
    assert jaccard(one, other) == jaccard(other, one)
    assert 0 <= jaccard(one, other) <= 1


@settings(max_examples=10)
@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=5))
def test_the_bands_of_a_pair_do_not_depend_on_its_neighbours(pairs: list[Pair]) -> None:
    shape = bands_for(0.9)
    groups = np.arange(len(pairs), dtype=np.uint64)
    together = band_hashes(pairs, groups, shape)
    assert together.shape == (len(pairs), shape.bands)
    for n, pair in enumerate(pairs):
        assert (band_hashes([pair], groups[n : n + 1], shape) == together[n]).all()


def test_pairs_of_other_languages_never_meet() -> None:
    bands = band_hashes([("a b c", "d e f")] * 2, np.array([1, 2], np.uint64), bands_for(0.8))
    assert not set(bands[0].tolist()) & set(bands[1].tolist())


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0])
def test_bands_keep_their_promise_at_the_threshold(threshold: float) -> None:
    shape = bands_for(threshold)
    assert 1 - (1 - threshold**shape.rows) ** shape.bands >= RECALL
    assert 1 - (1 - (threshold / 4) ** shape.rows) ** shape.bands < 0.01


@given(st.lists(st.integers(0, (1 << 64) - 1), min_size=1), st.integers(1, 1 << 20))
def test_many_keys_fall_into_the_buckets_that_each_falls_into(
    keys: list[int], buckets: int
) -> None:
    assert buckets_of(np.array(keys, np.uint64), buckets).tolist() == [
        bucket_of(number, buckets) for number in keys
    ]


@pytest.mark.parametrize("threshold", [0.6, 0.75])
def test_what_is_found_is_right_and_nearly_all(tmp_path: Path, threshold: float) -> None:
    pairs = varied(random.Random(1), 120)
    expected = compared(pairs, threshold)
    losers = found(tmp_path, {"train": pairs}, threshold)
    assert len(expected) > 20
    assert losers <= expected
    assert len(losers) >= (RECALL - 0.03) * len(expected)


def test_order_and_number_of_tasks_and_buckets_do_not_show(tmp_path: Path) -> None:
    pairs = varied(random.Random(2), 40)
    one = found(tmp_path / "one", {"train": pairs}, 0.7, {"train": 1, "dev": 1})
    assert one
    for seed in range(2):
        choose = random.Random(seed)
        buckets: dict[Split, int] = {"train": choose.randrange(2, 5), "dev": 2}
        shuffled = choose.sample(pairs, len(pairs))
        assert found(tmp_path / str(seed), {"train": shuffled}, 0.7, buckets, choose) == one


def test_among_what_stays_there_is_nothing_to_find(tmp_path: Path) -> None:
    pairs = varied(random.Random(3), 60)
    losers = found(tmp_path / "once", {"train": pairs}, 0.7)
    assert losers
    left = [pair for pair in pairs if pair not in losers]
    assert found(tmp_path / "twice", {"train": left}, 0.7) == set()


def test_exact_duplicates_are_no_near_duplicates(tmp_path: Path) -> None:
    pair = ("the same words again", "die gleichen worte noch einmal")
    assert found(tmp_path, {"train": [pair] * 9}, 0.8) == set()


def test_pairs_of_dev_stay_and_train_makes_way_for_them(tmp_path: Path) -> None:
    source, target = "we met at the old bridge in the rain", "wir trafen uns im regen an der brücke"
    pairs = [(source + "!" * n, target) for n in range(3)]
    for n, held_out in enumerate(pairs):
        train = [pair for pair in pairs if pair != held_out]
        losers = found(tmp_path / str(n), {"train": train, "dev": [held_out]}, 0.8)
        assert losers == set(train)
    assert found(tmp_path / "dev", {"dev": pairs}, 0.8) == set()


def test_equal_texts_of_another_language_pair_stay(tmp_path: Path) -> None:
    pairs = [
        ("a sentence of six short words", "ein satz"),
        ("a sentence of six short word", "ein satz"),
    ]
    stored(tmp_path, {"train": pairs[1:]}, {"train": 3, "dev": 1}, target="nl")
    assert found(tmp_path, {"train": pairs[:1]}, 0.5) == set()


def test_rows_that_are_cut_into_several_chunks_are_not_lost() -> None:
    one = pa.table({"key": [1, 2]})
    assert _as_batch(one).num_rows == 2
    assert _as_batch(one.slice(0, 0)).num_rows == 0
    with pytest.raises(ValueError, match="too many values"):
        _as_batch(pa.concat_tables([one, one]))


def test_an_empty_corpus_has_none(tmp_path: Path) -> None:
    assert found(tmp_path, {}, 0.8) == set()
    nothing = pa.Table.from_pylist([], schema=SCHEMA)
    buckets: dict[Split, int] = {"train": 3, "dev": 1}
    assert near_keys(tmp_path, buckets, 0.8, "train", 0, nothing) == frozenset()


def test_a_piece_that_is_not_seen_is_missed(tmp_path: Path) -> None:
    buckets: dict[Split, int] = {"train": 2, "dev": 1}
    found(tmp_path, {"train": varied(random.Random(1), 9)}, 0.8, buckets)
    nothing = pa.Table.from_pylist([], schema=SCHEMA)
    for stage, work in (
        ("texts", lambda: near_keys(tmp_path, buckets, 0.8, "train", 0, nothing)),
        ("met", lambda: bring_texts(tmp_path, buckets, "dev", 0)),
        ("bands", lambda: meet(tmp_path, buckets, 1)),
    ):
        (tmp_path / "near" / stage / "train-00001.arrow").unlink()
        (tmp_path / "near" / stage / "dev-00000.arrow").unlink(missing_ok=True)
        with pytest.raises(Unavailable, match="was written and is not seen here"):
            work()
