"""Rows and labels of a prepared corpus."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clism_ray.corpus.manifest import Window, read_manifest, windows
from clism_ray.corpus.rows import check_labels, read_rows
from clism_ray.errors import InputError
from tests.corpora import tiny_pair, write_corpus, write_tiny_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "tiny"
    write_tiny_corpus(folder, rows=60, dev_rows=5, window_rows=20)
    return folder


def train_windows(folder: Path) -> list[Window]:
    return windows(read_manifest(folder).train)


def test_rows_come_in_the_order_asked_for(corpus: Path) -> None:
    found = read_rows(corpus, train_windows(corpus)[1], [4, 0])
    assert [pair.row_id for pair in found] == [24, 20]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"target": ""}, "a side has no text"),
        ({"source": "ab"}, r"a span from \d+ to \d+ of a text of 2 characters"),
    ],
)
def test_a_row_that_no_preparation_would_write_is_named(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    write_corpus(tmp_path, [tiny_pair(0), replace(tiny_pair(1), **change)])
    (window,) = train_windows(tmp_path)
    assert read_rows(tmp_path, window, [0]) == [tiny_pair(0)]
    with pytest.raises(
        InputError, match=rf"shard-00000.parquet: row 1, which .* line 2 of none: {complaint}; prep"
    ):
        read_rows(tmp_path, window, [0, 1])


def test_labels_that_spans_have_pass_and_one_window_may_tell(corpus: Path) -> None:
    first, *others = train_windows(corpus)
    gone = Window("gone.parquet", 0, 20)
    check_labels(corpus, [first, *others], ["name", "number"])
    check_labels(corpus, [first, gone], ["name"])


def test_a_label_that_no_span_has_is_refused_with_those_that_there_are(corpus: Path) -> None:
    with pytest.raises(
        InputError, match=r"masking\.labels: no span of .*tiny is a 'nme'; its labels are .*name, "
    ):
        check_labels(corpus, train_windows(corpus), ["name", "nme"])
