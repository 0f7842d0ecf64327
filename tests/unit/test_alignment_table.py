"""The table of aligners, from settings to files."""

import dataclasses
import json
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_alignment import GoldFiles, ScoreAlignersConfig, SyntheticGold
from clism_ray.config_corpus import CorpusFiles
from clism_ray.report.alignment import METRICS, lowest, score_aligners
from clism_ray.report.alignment_table import write

PAIRS = [
    (f"then {name} saw the {noun}", f"dann sah {name} {german}", "1-1 2-3 3-2 4-4 5-5")
    for name in ("Tom", "Mary", "Bob", "Zed")
    for noun, german in (("house", "das Haus"), ("tree", "den Baum"), ("dog", "den Hund"))
]


@pytest.fixture
def config(tmp_path: Path) -> ScoreAlignersConfig:
    (tmp_path / "text").write_text("".join(f"{s} ||| {t}\n" for s, t, _ in PAIRS))
    (tmp_path / "links").write_text("".join(f"{links}\n" for *_, links in PAIRS))
    (tmp_path / "more.tsv").write_text("we saw Rome\twir sahen Rom\n\nbroken\n")
    more = CorpusFiles(
        name="more",
        format="tsv",
        path=str(tmp_path / "more.tsv"),
        source_language="en",
        target_language="de",
    )
    gold = GoldFiles(
        name="people",
        format="wpt",
        path=str(tmp_path / "text"),
        links_path=str(tmp_path / "links"),
        tuned_on="even",
        training=(more,),
    )
    return ScoreAlignersConfig(
        output=str(tmp_path / "out"),
        gold=(gold,),
        synthetic=SyntheticGold(languages=("de",), pairs=20, training_pairs=20),
        resamples=200,
    )


def test_each_gold_set_and_part_has_scores_with_intervals(config: ScoreAlignersConfig) -> None:
    rows = list(score_aligners(config))
    assert [(row.gold, row.tuned_on, row.sentences) for row in rows] == [
        ("people", True, 6),
        ("people", False, 6),
        ("synthetic en-de", True, 20),
    ]
    assert all(set(row.estimates) == set(METRICS) for row in rows)
    assert all(e.low <= e.value <= e.high for row in rows for e in row.estimates.values())
    assert rows[1].estimates["names_f1"].value == 1
    assert rows[1].names == 6
    kept = [point.answered for point in rows[2].curve]
    assert kept == sorted(kept, reverse=True)
    json_path, markdown_path = write(config, rows)
    values = json.loads(json_path.read_text(encoding="utf-8"))
    assert values["rows"][0]["estimates"]["aer"]["value"] == rows[0].estimates["aer"].value
    table = markdown_path.read_text(encoding="utf-8")
    assert table.count("| people (tuned on) | systran |") == 2
    assert table.count("| people | systran |") == 3
    assert table.count("13 fitted, 13 linked") == 1
    assert rows[0].fit.cpu_seconds > 0
    assert values["rows"][0]["link"]["pairs"] == 13


def test_methods_are_named_once_and_an_encoder_goes_with_its_method(
    config: ScoreAlignersConfig,
) -> None:
    for methods, complaint in (
        (("systran", "neural"), "section neural .* go together"),
        (("systran", "systran"), "names a method twice"),
    ):
        with pytest.raises(ValueError, match=complaint):
            dataclasses.replace(config, methods=methods)


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_the_pairs_of_the_lowest_keys_are_kept_each_once(keys: list[int], most: int) -> None:
    expected = sorted(set(keys))[:most]
    assert lowest(((number, f"{number}") for number in keys), most) == [f"{n}" for n in expected]


def test_no_more_pairs_are_held_than_can_be_fitted_on() -> None:
    held: list[weakref.ref[Counter[int]]] = []

    def pairs() -> Iterator[tuple[int, Counter[int]]]:
        for number in (5, 3, 8, 1, 9, 2, 7):
            pair = Counter([number])
            held.append(weakref.ref(pair))
            yield number, pair
            del pair
            assert sum(ref() is not None for ref in held) <= 3 + 1  # and the one that is looked at

    assert [set(pair) for pair in lowest(pairs(), 3)] == [{1}, {2}, {3}]


def test_the_same_settings_give_the_same_scores(config: ScoreAlignersConfig) -> None:
    first, second = ([row.estimates for row in score_aligners(config)] for _ in range(2))
    assert first == second
