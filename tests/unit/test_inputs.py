"""What a preparation starts from and ends with."""

from pathlib import Path

import pytest

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.card import CARD
from clism_ray.corpus.inputs import Input, existing, licences
from clism_ray.errors import InputError
from tests.corpora import write_tiny_corpus


def entry(number: int, name: str, licence: str) -> Input:
    languages = {"source_language": "en", "target_language": "de"}
    files = CorpusFiles(name=name, format="tsv", path=f"{number}", licence=licence, **languages)
    return Input(number, files, is_dev=False)


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
