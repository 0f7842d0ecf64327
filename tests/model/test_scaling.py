"""The page about scaling has the tables that its arithmetic gives."""

import re
from pathlib import Path

import pytest

from benchmarks.scaling import DOLLARS, GPUS, MODELS, PAIRS, Run, runs, tables

PAGE = Path(__file__).resolve().parents[2] / "cluster" / "SCALING.md"


def test_every_table_of_the_page_is_what_the_script_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE) == [f"{made}\n" for made in tables()]


def test_more_gpus_take_fewer_hours_more_cores_and_fail_more_often() -> None:
    assert len(runs()) == len(MODELS) * len(GPUS)
    for model in MODELS:
        found = [Run(model, gpus) for gpus in GPUS]
        assert [r.hours for r in found] == sorted((r.hours for r in found), reverse=True)
        assert [r.rate for r in found] == sorted(r.rate for r in found)
        assert [r.lost for r in found] == sorted(r.lost for r in found)
        assert all(r.batches.pairs_seen == PAIRS for r in found)


def test_figures_named_in_the_text_are_those_of_the_arithmetic() -> None:
    base, large, ten = (Run(model, 1024) for model in MODELS)
    shares = [run.sending / run.step for run in (base, large, ten)]
    assert shares == pytest.approx([0.66, 0.70, 0.82], abs=0.01)
    assert 12 * ten.shape.largest == pytest.approx(12.3e9, rel=0.01)
    assert 4 * ten.shape.parameters == pytest.approx(43e9, rel=0.01)
    assert ten.loading / 60 == pytest.approx(55, abs=0.5)
    assert Run(MODELS[2], 512).loading / 60 == pytest.approx(28, abs=0.6)
    assert base.hours * 1024 * DOLLARS == pytest.approx(397, abs=1)
