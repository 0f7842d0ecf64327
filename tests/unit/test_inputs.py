"""What a preparation starts from and ends with."""

from collections import Counter
from pathlib import Path

import pytest

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.card import CARD
from clism_ray.corpus.inputs import Input, check_pairs_left, existing, licences
from clism_ray.corpus.intake import Counts
from clism_ray.corpus.pieces import once
from clism_ray.corpus.taken_in import Pieces, record
from clism_ray.errors import InputError
from tests.corpora import write_tiny_corpus


def entry(number: int, name: str, licence: str) -> Input:
    languages = {"source_language": "en", "target_language": "de"}
    files = CorpusFiles(name=name, format="tsv", path=f"{number}", licence=licence, **languages)
    return Input(number, files, (f"{number}",), is_dev=False)


def test_a_corpus_has_every_licence_of_its_files() -> None:
    inputs = [entry(0, "a", "MIT"), entry(1, "b", "CC0-1.0"), entry(2, "a", "CC-BY-4.0")]
    inputs += [entry(3, "a", "MIT")]
    expected = {"a": "CC-BY-4.0; MIT", "b": "CC0-1.0"}
    assert licences(inputs) == licences(inputs[::-1]) == expected


@pytest.mark.parametrize("damage", [None, "", '{"pairs": {}}'])
def test_a_corpus_whose_card_is_lost_or_damaged_is_one_clear_error(
    tmp_path: Path, damage: str | None
) -> None:
    write_tiny_corpus(tmp_path, rows=4, dev_rows=1)
    if damage is not None:
        (tmp_path / CARD).write_text(damage)
    with pytest.raises(InputError, match=r"data_card\.json: not the data card .* restore the file"):
        existing(tmp_path, {})


@pytest.mark.parametrize(
    ("train", "dev", "reason"),
    [
        (1, 4, None),
        (0, 4, "no training pair is left of 8 lines: in_dev 4, held out 4; train on other files"),
        (0, 0, "no pair is left of 8 lines: in_dev 4"),
    ],
)
def test_pairs_that_are_held_out_are_none_to_train_on(
    tmp_path: Path, train: int, dev: int, reason: str | None
) -> None:
    counts: Counts = Counter({("en-de", "c", "in"): 8, ("en-de", "c", "in_dev"): 4})
    of_dev: Pieces = Counter({("dev", "en-de", "00000"): dev})
    of_train: Pieces = Counter({("train", "en-de", "00001"): train, ("train", "en-fr", "00002"): 9})
    for name, pieces in (("dev", of_dev), ("train", of_train)):
        once(record(tmp_path, name), lambda pieces=pieces: (counts, pieces))  # type: ignore[misc]
    if reason is None:
        check_pairs_left(tmp_path, "en-de", counts)
        return
    with pytest.raises(InputError, match=f"^en-de: {reason}"):
        check_pairs_left(tmp_path, "en-de", counts)
