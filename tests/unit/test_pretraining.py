"""What the record of a run tells of the model that came out of it."""

import json
from pathlib import Path

import pytest

from clism_ray.errors import InputError
from clism_ray.finetune.pretraining import LOSSES, ROWS, pretraining

RECORD = {
    "identity": {
        "corpus_hash": "c0ffee",
        "seed": 7,
        "batch": {"slots": 4, "pairs": 16},
        "masking": {
            "questions": True, "max_spans": 4, "labels": None, "min_score": 0.7,
            "min_confidence": 0.0, "mlm_probability": 0.15,
        },
        "tokenizer": {"path": None, "max_source_tokens": 128, "max_target_tokens": 96},
        "losses": {"clism": {"weight": 1.0}, "cacr": {"weight": 0.5}, "mlm": {"weight": 1.0}},
    },
    "steps": 250,
    "start": "5ca1ab1e",
}  # fmt: skip


def run(folder: Path, record: object = RECORD) -> Path:
    (folder / "last").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record))
    return folder / "last"


def test_the_folder_of_a_run_tells_its_rows_and_losses(tmp_path: Path) -> None:
    told = pretraining(str(run(tmp_path / "run")))
    assert told is not None
    assert {name: told[name] for name in ROWS} == {
        "start": "5ca1ab1e", "corpus": "c0ffee", "seed": 7, "slots": 4, "pairs": 16, "steps": 250,
        "kept": "last", "max_spans": 4, "labels": None, "min_score": 0.7, "min_confidence": 0.0,
        "mlm_probability": 0.15, "max_source_tokens": 128, "max_target_tokens": 96,
    }  # fmt: skip
    assert {name: told[name] for name in LOSSES} == {"clism": 1.0, "cacr": 0.5, "mlm": 1.0}


@pytest.mark.parametrize("path", ["xlm-roberta-base", "alone/last", "run/checkpoints"])
def test_other_models_tell_nothing(tmp_path: Path, path: str) -> None:
    run(tmp_path / "run")
    assert pretraining(str(tmp_path / path)) is None


@pytest.mark.parametrize("record", [{}, [], {**RECORD, "identity": None}], ids=["empty", "a", "no"])
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, record: object) -> None:
    with pytest.raises(InputError, match=r"run\.json: cannot be read .* what .*last was"):
        pretraining(str(run(tmp_path / "run", record)))
