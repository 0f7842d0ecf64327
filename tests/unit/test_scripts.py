"""Scripts: every language's own, whatever names stand in the sentence."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.scripts import is_other_script, scripts_of
from clism_ray.languages import CODES

OWN_NAMES = {  # language -> how Unicode's names of its letters begin
    **{"am": "ETHIOPIC", "ar": "ARABIC", "bn": "BENGALI", "bo": "TIBETAN", "dv": "THAANA"},
    **{"el": "GREEK", "en": "LATIN", "gu": "GUJARATI", "he": "HEBREW", "hi": "DEVANAGARI"},
    **{"hy": "ARMENIAN", "ii": "YI", "ka": "GEORGIAN", "km": "KHMER", "kn": "KANNADA"},
    **{"lo": "LAO", "ml": "MALAYALAM", "mn-Mong": "MONGOLIAN", "my": "MYANMAR", "or": "ORIYA"},
    **{"pa-Guru": "GURMUKHI", "ru": "CYRILLIC", "si": "SINHALA", "ta": "TAMIL", "te": "TELUGU"},
    **{"th": "THAI", "zh-Hani": "CJK UNIFIED IDEOGRAPH"},
}
SENTENCES = {
    "ar": "أعلن البنك المركزي عن قراره",
    "de": "Die Straße führt über Öllingen",
    "el": "Η Αθήνα είναι πρωτεύουσα",
    "hi": "बाबर का पोता अकबर",
    "ja": "東京タワーへいきます",
    "ko": "한국어 문장입니다",
    "ru": "Москва — столица России",
    "sr": "Београд је главни град",
    "th": "กรุงเทพมหานครเป็นเมืองหลวง",
    "vi": "Hà Nội là thủ đô của Việt Nam",
    "zh": "北京是中国的首都",
}


def test_every_language_has_scripts_but_those_printed_in_many() -> None:
    assert {code for code in CODES if not scripts_of(code)} == {"ae", "pi", "sa"}


@pytest.mark.parametrize(
    ("tag", "scripts"),
    [
        ("sr", ("Latn", "Cyrl")),
        ("sr-Latn", ("Latn",)),
        ("sr-cyrl-RS", ("Cyrl",)),
        ("pt-BR", ("Latn",)),
        ("zh-Hant", ("Hani", "Bopo")),
        ("zh-Latn-pinyin", ("Latn",)),
        ("ja", ("Hani", "Hira", "Kana")),
        ("en-Brai", ()),
    ],
)
def test_a_tag_may_name_the_script(tag: str, scripts: tuple[str, ...]) -> None:
    assert scripts_of(tag) == scripts


def test_the_letters_of_each_script_are_those_that_unicode_names_after_it() -> None:
    letters = filter(str.isalpha, map(chr, (*range(0x250), *range(0x250, 0xA980, 7))))
    tried = set()
    for letter in letters:
        name = unicodedata.name(letter)
        if any(word in name for word in ("SMALL CAPITAL", "MODIFIER", "TURNED", "SUBSCRIPT")):
            continue  # phonetic signs
        for language, beginning in OWN_NAMES.items():
            if name.startswith(f"{beginning} ") or name.startswith(f"{beginning}-"):
                assert not is_other_script(letter, language), name
                assert is_other_script(letter * 40, "th" if language != "th" else "lo"), name
                tried.add(language)
    assert tried == set(OWN_NAMES)


@pytest.mark.parametrize("written", SENTENCES)
@pytest.mark.parametrize("claimed", SENTENCES)
def test_a_sentence_is_told_from_those_of_other_scripts(written: str, claimed: str) -> None:
    shared = set(scripts_of(written)) & set(scripts_of(claimed))
    if written == "sr":
        shared -= {"Latn"}  # not this sentence
    if not {"ja", "ko", "zh"} >= {written, claimed}:  # which share Chinese characters alone
        assert is_other_script(SENTENCES[written], claimed) == (not shared)
    assert not is_other_script(SENTENCES[written], written)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("نزّل Mozilla Firefox Developer Edition", "ar"),
        ("使用 QuerySet.select_related() 和 https://example.org/a/b 即可", "zh"),
        ("I2C、SPI、UART、CAN 总线", "zh"),
        ("What does 你好 mean?", "en"),
        ("The Greek word λόγος means “word”.", "en"),
        ("3.0 — 100 % (…)", "ru"),
        ("", "hi"),
        ("αβγ", "sa"),
    ],
)
def test_names_and_signs_of_other_scripts_are_no_harm(text: str, language: str) -> None:
    assert not is_other_script(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("This is an abomination", "ar"),
        ("号 This line was left in English, but for a sign at its start", "zh"),
        ("Teɛṛef asmawat-hum", "ar"),
        ("बाबर का पोता अकबर (Akbar)", "en"),
        ("Москва, Moscow и Россия", "sr-Latn"),
        ("москва по-русски, और हिन्दी में", "hi"),
    ],
)
def test_most_letters_of_another_script_are_found(text: str, language: str) -> None:
    assert is_other_script(text, language)


@given(st.text(), st.sampled_from(sorted(SENTENCES)))
def test_one_sentence_more_in_its_script_never_makes_a_text_foreign(
    text: str, language: str
) -> None:
    if not is_other_script(text, language):
        assert not is_other_script(text + SENTENCES[language], language)
