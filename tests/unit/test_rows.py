"""Labels of a prepared corpus."""

from pathlib import Path

import pytest

from clism_ray.corpus.manifest import Window, read_manifest, windows
from clism_ray.corpus.rows import check_labels
from clism_ray.errors import InputError
from tests.corpora import write_tiny_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "tiny"
    write_tiny_corpus(folder, rows=60, dev_rows=5, window_rows=20)
    return folder


def train_windows(folder: Path) -> list[Window]:
    return windows(read_manifest(folder).train)


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
