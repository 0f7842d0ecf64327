"""What the checks of script and language drop of real text, and what they find in it."""

import gzip
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.clean import cleaned, drop_reason
from clism_ray.corpus.identify import is_other_language
from clism_ray.corpus.scripts import is_other_script

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("CLISM_DATA" not in os.environ, reason="CLISM_DATA names no folder"),
]
LANGUAGES = ("ar", "de", "es", "fr", "hi", "nl", "vi", "zh")
LATIN = ("de", "es", "fr", "nl", "vi")


def pairs(name: str, every: int, number: int) -> list[tuple[str, str]]:
    """Every so many'th line of a file."""
    path = Path(os.environ["CLISM_DATA"]) / "parallel" / name
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        lines = islice(file, 0, every * number, every)
        texts = [line.rstrip("\n").split("\t")[-2:] for line in lines]
    plain = CleaningConfig()
    return [(cleaned(source, plain), cleaned(target, plain)) for source, target in texts]


def news(language: str) -> list[tuple[str, str]]:
    return pairs(f"dev/ntrex.en-{language}.tsv.gz", 10, 190)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_a_pair_of_news_is_dropped(language: str) -> None:
    cleaning = CleaningConfig(identify_language=True, max_words=1000, max_characters=10_000)
    languages = ("en", language)
    reasons = Counter(drop_reason(*pair, languages, cleaning) for pair in news(language))
    assert reasons["wrong_script"] == 0
    assert reasons["wrong_language"] <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_manuals_chapters_and_conversations_lose_less_than_one_pair_in_a_hundred(
    language: str,
) -> None:
    sample = pairs(f"en-{language}.tsv.gz", 16, 1000)
    scripts = [is_other_script(s, "en") or is_other_script(t, language) for s, t in sample]
    identified = [is_other_language(t, language, ("en", language), 0.05) for _, t in sample]
    assert sum(scripts) <= 5
    assert sum(identified) <= 8


def test_news_in_another_language_are_found() -> None:
    texts = {language: [target for _, target in news(language)] for language in LANGUAGES}
    for claimed in LANGUAGES:
        for written in set(LANGUAGES) - {claimed}:
            found = [
                is_other_script(text, claimed)
                or is_other_language(text, claimed, ("en", claimed), 0.05)
                for text in texts[written][:50]
            ]
            assert sum(found) >= 48, (written, claimed)


def test_english_left_untranslated_is_found() -> None:
    english = [source for source, _ in news("de")]
    for language in LATIN:
        found = [is_other_language(text, language, ("en", language), 0.05) for text in english]
        assert sum(found) >= 0.97 * len(found)
