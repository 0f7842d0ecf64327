"""What a preparation starts from and ends with."""

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.inputs import Input, licences


def entry(number: int, name: str, licence: str) -> Input:
    languages = {"source_language": "en", "target_language": "de"}
    files = CorpusFiles(name=name, format="tsv", path=f"{number}", licence=licence, **languages)
    return Input(number, files, is_dev=False)


def test_a_corpus_has_every_licence_of_its_files() -> None:
    inputs = [entry(0, "a", "MIT"), entry(1, "b", "CC0-1.0"), entry(2, "a", "CC-BY-4.0")]
    inputs += [entry(3, "a", "MIT")]
    expected = {"a": "CC-BY-4.0; MIT", "b": "CC0-1.0"}
    assert licences(inputs) == licences(inputs[::-1]) == expected
