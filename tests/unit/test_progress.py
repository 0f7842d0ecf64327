"""What stages of preparation tell."""

import pytest

from clism_ray.corpus import progress
from clism_ray.corpus.progress import Progress, end, way


@pytest.mark.parametrize(
    ("number", "known", "total", "seconds", "told"),
    [
        (600, 0, 1000, 60.0, "600 of 1,000, 60% (10.0/s), time left 0:00:40"),
        (600, 300, 1000, 60.0, "600 of 1,000, 60% (5.0/s), time left 0:01:20"),
        (300, 300, 1000, 60.0, "300 of 1,000, 30% (0.0/s), time left unknown"),
        (600, 0, None, 60.0, "600 so far (10.0/s)"),
        (0, 0, 0, 0.0, "0 of 0, 0% (0.0/s), time left unknown"),
    ],
)
def test_time_left_goes_by_what_this_run_did(
    number: int, known: int, total: int | None, seconds: float, told: str
) -> None:
    assert way(number, known, total, seconds).strip() == told


def test_the_end_tells_what_an_earlier_run_did() -> None:
    assert end(5000, 0, "pairs", 2.0).strip() == "5,000 pairs in 2.0 s (2,500.0/s)"
    assert end(5000, 4000, "pairs", 2.0).strip() == (
        "5,000 pairs in 2.0 s (500.0/s), 4,000 of them by an earlier run"
    )


@pytest.mark.parametrize(("every", "lines"), [(0.0, 3), (3600.0, 1)])
def test_only_long_stages_tell_on_the_way(
    every: float,
    lines: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", every)
    stage = Progress("build", "pairs", 10)
    stage.add(4)
    stage.add(6)
    stage.end()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == lines
    assert all(line.startswith("build   ") for line in told)
    assert "10 pairs in" in told[-1]
