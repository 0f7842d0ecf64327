"""What a run came to, as it is printed."""

from io import StringIO

import pytest
from rich.console import Console

from clism_ray.report.outcome import before_and_after, print_examples
from clism_ray.train.journal import Entry

pytestmark = pytest.mark.ray  # it imports Ray, but starts none

ASKED = {
    "validation/loss/total": 3.0,
    "validation/loss/clism": 2.0,
    "validation/accuracy": 0.5,
    "validation/accuracy/en-de": 0.25,
    "validation/perplexity": 7.0,
    "validation/perplexity/en-de": 8.0,
    "validation/retrieval/en-de": 0.125,
    "validation/uniformity/en-de": -1.5,
    "validation/questions": 40.0,
}


def printed(values: dict[str, float]) -> list[str]:
    entry, out = Entry(0, "validation", 9, values), StringIO()
    Console(width=120, file=out).print(before_and_after(entry, entry))
    return out.getvalue().splitlines()


def test_shares_are_shown_by_language_and_the_rest_as_means() -> None:
    lines = printed(ASKED)
    assert "40 questions" in lines[0]
    told = {line.split("│")[1].strip(): line for line in lines if "│" in line}
    assert "25.0%" in told["exact spans/en-de"]
    assert "12.5%" in told["retrieval/en-de"]
    assert "7.000" in told["perplexity"]
    assert told.keys().isdisjoint({"perplexity/en-de", "uniformity/en-de", "questions"})


def test_a_run_that_asked_nothing_shows_no_spans_and_no_examples() -> None:
    silent = {k: v for k, v in ASKED.items() if "accuracy" not in k and "clism" not in k}
    lines = printed({**silent, "validation/questions": 0.0})
    assert "0 questions" in lines[0]
    assert not any("exact spans" in line or "clism" in line for line in lines)
    out = StringIO()
    print_examples(Console(file=out), [])
    assert out.getvalue() == ""
