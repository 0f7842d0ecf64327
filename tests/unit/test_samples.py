"""Samples of dropped lines: few, and the same however the lines are shared out."""

import json
import random
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.samples import (
    CHARACTERS,
    DROPPED,
    KEPT,
    Samples,
    note,
    read_samples,
    write_samples,
)
from clism_ray.records import Origin

Dropped = tuple[str, str, Origin]
dropped_lines = st.lists(
    st.builds(
        lambda reason, corpus, line: ("en-de", reason, Origin(corpus, "f", line)),
        st.sampled_from(["empty", "identical"]),
        st.sampled_from(["a", "b"]),
        st.integers(1, 10**9),
    ),
    unique=True,
    max_size=25,
)


def sampled(lines: list[Dropped]) -> Samples:
    samples: Samples = {}
    for pair, reason, origin in lines:
        note(samples, pair, reason, origin, f"source {origin.line}", f"target {origin.line}")
    return samples


@given(dropped_lines, st.integers(1, 5), st.randoms(use_true_random=False))
def test_which_lines_are_kept_does_not_depend_on_tasks_or_their_order(
    lines: list[Dropped], tasks: int, choose: random.Random
) -> None:
    whole = sampled(lines)
    choose.shuffle(lines)
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder) / f"{task}.jsonl" for task in range(tasks)]
        for task, path in enumerate(parts):
            write_samples(path, sampled(lines[task::tasks]))
        assert read_samples(reversed(parts)) == whole


@given(dropped_lines)
def test_every_kind_has_as_many_as_there_are_up_to_the_bound(lines: list[Dropped]) -> None:
    samples = sampled(lines)
    for (pair, corpus, reason), kept in samples.items():
        there = [x for x in lines if x[:2] == (pair, reason) and x[2].corpus == corpus]
        assert len(kept) == min(KEPT, len(there))
    assert sum(map(len, samples.values())) == 0 if not lines else samples


def test_the_choice_is_no_run_of_the_file() -> None:
    samples = sampled([("en-de", "empty", Origin("c", "f", line)) for line in range(1, 1001)])
    (kept,) = samples.values()
    assert max(line.line for line in kept) > 100


def test_the_file_is_sorted_and_long_texts_are_cut(tmp_path: Path) -> None:
    samples: Samples = {}
    note(samples, "en-de", "too_long", Origin("b", "f", 2), "x" * 500, "ü\u2028y")
    note(samples, "en-de", "undecodable", Origin("a", "f", 9))
    note(samples, "en-ar", "empty", Origin("b", "f", 1), "", "سلام")
    for line in (12, 3):
        note(samples, "en-de", "undecodable", Origin("a", "f", line))
    write_samples(tmp_path / DROPPED, samples)
    lines = (tmp_path / DROPPED).read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    rows = [json.loads(line) for line in lines]
    assert [list(row.values()) for row in rows] == [
        ["en-ar", "b", "empty", "f", 1, "", "سلام"],
        ["en-de", "a", "undecodable", "f", 3, None, None],
        ["en-de", "a", "undecodable", "f", 9, None, None],
        ["en-de", "a", "undecodable", "f", 12, None, None],
        ["en-de", "b", "too_long", "f", 2, "x" * CHARACTERS, "ü\u2028y"],
    ]
    assert list(rows[0]) == [
        *("language_pair", "corpus", "reason", "file", "line", "source", "target")
    ]
