"""Language codes: known ones pass, others are refused with the closest."""

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.errors import InputError
from clism_ray.languages import CODES, check_language


@pytest.mark.parametrize("code", ["en", "zh", "pt-BR", "zh-Hant"])
def test_a_known_code_passes_with_or_without_a_script_or_region(code: str) -> None:
    assert check_language(code) == code


def test_there_are_the_codes_of_iso_639_1() -> None:
    assert len(CODES) == 183
    assert all(len(code) == 2 and code.isascii() and code.islower() for code in CODES)


@pytest.mark.parametrize(("code", "closest"), [("eng", "en"), ("dee-AT", "de-AT"), ("qq", "qu")])
def test_an_unknown_code_is_refused_with_the_closest(code: str, closest: str) -> None:
    with pytest.raises(
        InputError, match=f"{code!r} is no language code.*the closest is '{closest}"
    ):
        check_language(code)


def test_a_configuration_with_an_unknown_language_names_path_value_and_closest() -> None:
    corpus = {
        "name": "x",
        "format": "tsv",
        "path": "x.tsv",
        "source_language": "en",
        "target_language": "dee",
    }
    with pytest.raises(InputError) as error:
        parse(PrepareConfig, {"output": "o", "corpora": [corpus]})
    for part in ("corpora.0.target_language", "'dee'", "'de'"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
