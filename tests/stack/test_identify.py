"""Language identification, by the model in its package: what is lost and what is found."""

import dataclasses

import pytest

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.clean import drop_reason
from clism_ray.corpus.identify import is_other_language

LEAST = 0.05
SENTENCES = {
    "ar": ["أين المكتبة؟", "لا أعرف ماذا أفعل."],
    "ca": ["On és la biblioteca?", "No sé què fer ara."],
    "da": ["Hvor er biblioteket?", "Jeg ved ikke, hvad jeg skal gøre."],
    "de": ["Wo ist die Bibliothek?", "Ich weiß nicht, was ich tun soll."],
    "en": ["Where is the library?", "I do not know what to do."],
    "es": ["¿Dónde está la biblioteca?", "No sé qué hacer."],
    "fr": ["Où est la bibliothèque ?", "Je ne sais pas quoi faire."],
    "gl": ["Onde está a biblioteca?", "Non sei que facer agora."],
    "hi": ["पुस्तकालय कहाँ है?", "मुझे नहीं पता कि क्या करना है।"],
    "ms": ["Di manakah perpustakaan?", "Saya tidak tahu apa yang perlu dibuat."],
    "nb": ["Hvor er biblioteket?", "Jeg vet ikke hva jeg skal gjøre."],
    "nl": ["Waar is de bibliotheek?", "Ik weet niet wat ik moet doen."],
    "sr-Latn": ["Gde je biblioteka?", "Ne znam šta da radim."],
    "vi": ["Thư viện ở đâu?", "Tôi không biết phải làm gì."],
    "zh-Hant": ["圖書館在哪裡？", "我不知道該怎麼辦。"],
}
UNLIKE = ("de", "en", "es", "fr", "nl", "vi")
NAMES = ["Rome", "Firefox 3.0", "OK", "© 2010", "Tom & Mary", "…", "北京、上海"]


@pytest.mark.parametrize("language", SENTENCES)
def test_short_sentences_and_names_are_not_lost_even_beside_close_relatives(language: str) -> None:
    for text in (*SENTENCES[language], *NAMES):
        assert not is_other_language(text, language, ("en", language), LEAST), text


def test_a_sentence_is_told_from_those_of_the_other_side_and_of_frequent_languages() -> None:
    for language in UNLIKE:
        for written in set(UNLIKE) - {language}:
            (_, text) = SENTENCES[written]
            assert is_other_language(text, language, ("ar", language), LEAST), (text, language)


def test_the_other_side_s_language_is_looked_for_though_it_is_rare() -> None:
    (_, text) = SENTENCES["gl"]
    assert is_other_language(text, "eu", ("eu", "gl"), LEAST)


def test_markup_and_placeholders_have_no_language() -> None:
    text = '<span class="the name of this">{ -brand-name-firefox }</span> cho { $the-other-system }'
    assert not is_other_language(text, "vi", ("en", "vi"), LEAST)


def test_a_language_that_the_model_does_not_know_is_never_missed() -> None:
    for text in SENTENCES["de"]:
        assert not is_other_language(text, "ti", ("en", "ti"), 1.0)


def test_a_side_in_another_language_is_dropped_if_that_is_asked() -> None:
    english, german = "We were looking for the old station.", "Wir suchten den alten Bahnhof."
    dutch, asked = "Wij zochten het oude station.", CleaningConfig(identify_language=True)
    assert drop_reason(english, dutch, ("en", "de"), CleaningConfig()) is None
    assert drop_reason(english, german, ("en", "de"), asked) is None
    assert drop_reason(english, dutch, ("en", "de"), asked) == "wrong_language"
    assert drop_reason(german, dutch, ("en", "nl"), asked) == "wrong_language"
    lenient = dataclasses.replace(asked, min_language_probability=0.0)
    assert drop_reason(english, dutch, ("en", "de"), lenient) is None
