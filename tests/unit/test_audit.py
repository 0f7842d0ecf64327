"""An audit says what it cannot tell: of a damaged record, of another corpus, of a run not begun."""

import json
from pathlib import Path

import pytest

from clism_ray.config_file import to_yaml
from clism_ray.errors import InputError
from clism_ray.train import journal
from clism_ray.train.audit import audit
from clism_ray.train.known_run import RECORD
from tests.corpora import write_tiny_corpus
from tests.tiny_run import tiny_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has its record, and no step yet."""
    manifest = write_tiny_corpus(tmp_path / "corpus", rows=40)
    config = tiny_run(tmp_path / "corpus", tmp_path, length={"steps": 5})
    folder = tmp_path / "runs" / config.name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(to_yaml(config))
    record = {"identity": {"corpus_hash": manifest.content_hash}}
    (folder / RECORD).write_text(json.dumps(record))
    (folder / journal.JOURNAL).touch()
    return folder


def test_a_run_without_a_step_is_no_clean_one(run: Path) -> None:
    with pytest.raises(InputError, match="run has no step yet"):
        audit(run)


@pytest.mark.parametrize("text", ["{", "[]", '{"identity": {}}'])
def test_a_damaged_record_is_named(run: Path, text: str) -> None:
    (run / RECORD).write_text(text)
    with pytest.raises(InputError, match=r"run\.json: not the record of a run"):
        audit(run)


def test_a_corpus_prepared_anew_is_not_held_against_the_run(run: Path) -> None:
    (run / RECORD).write_text('{"identity": {"corpus_hash": "another"}}')
    with pytest.raises(InputError, match="not the corpus that run was trained on"):
        audit(run)
