"""Cleaning: normal form, and one reason for each kind of useless pair."""

import dataclasses
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.clean import (
    _INVISIBLE,
    _JOINERS,
    cleaned,
    drop_reason,
    is_identical,
    is_uneven,
    length_bounds,
    normalise,
)
from clism_ray.corpus.words import length_in_words, number_of_words


def test_white_space_is_collapsed_and_invisible_characters_go() -> None:
    assert normalise(" a\t\u00a0b\u2028c\x00\u200bd\ufeff\u00ade ") == "a b cde"


def test_joiners_stay_where_they_shape_letters_and_go_elsewhere() -> None:
    assert normalise("می\u200cخواهم") == "می\u200cخواهم"
    assert normalise("क\u094d\u200dष") == "क\u094d\u200dष"
    assert normalise("\u200da \u200cb 1\u200d2") == "a b 12"
    assert normalise("۲۰\u200c\u200cساله") == "۲۰\u200cساله"
    assert normalise("۲۰\u200c ساله ۲\u200c۰ ۲۰\u200dساله") == "۲۰ ساله ۲۰ ۲۰ساله"
    assert normalise("ᠬᠠᠷ\u180eᠠ a\u180eb") == "ᠬᠠᠷ\u180eᠠ ab"


def test_nothing_that_goes_is_printable() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    gone = _INVISIBLE.findall(everything) + _JOINERS.findall(everything)
    assert len(gone) > 100
    assert not any(map(str.isprintable, gone))


def test_letters_and_marks_are_composed() -> None:
    assert normalise("e\u0301 e\u200b\u0301") == "é é"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_nfc_makes_at_most_four_characters_one() -> None:
    characters = map(chr, range(0x30000))  # the planes behind have none of several
    assert max(len(unicodedata.normalize("NFD", character)) for character in characters) == 4


@given(st.text(st.sampled_from("aα\u0301\u0313\u0345\u0327 ᄀ\u1161\u11a8"), max_size=60))
def test_a_text_that_is_not_composed_would_be_too_long_all_the_same(text: str) -> None:
    bounds = CleaningConfig(max_characters=5)
    composed, kept = normalise(text), cleaned(text, bounds)
    assert kept == composed or min(len(kept), len(composed)) > 5


def test_a_line_of_marks_is_too_long_and_takes_no_time() -> None:
    marks = "a" + "\u0301\u0327" * 2_000_000  # sorted one by one, they would take hours
    text = cleaned(f"{marks}  b", CleaningConfig())
    assert text == f"{marks} b"
    assert drop_reason(text, "Ein Wort", ("en", "de"), CleaningConfig()) == "too_long"
    assert drop_reason(text, "", ("en", "de"), CleaningConfig()) == "empty"


BOUNDS = CleaningConfig(min_words=2, max_words=6, max_characters=60, max_length_ratio=2.0)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("Two words.", "Zwei Worte.", None),
        ("", "Zwei", "empty"),
        ("Zwei", "", "empty"),
        ("Windows 10", "WINDOWS 10", "identical"),
        ("a" * 61, "Ein Wort", "too_long"),
        ("1 2 3", "4 5 6", "no_letters"),
        ("Two", "Zwei Worte", "too_short"),
        ("a b c d e f g", "a b c d e f", "too_long"),
        ("a b c d e f", "a b", "length_ratio"),
    ],
)
def test_the_first_failing_rule_names_the_reason(
    source: str, target: str, reason: str | None
) -> None:
    assert drop_reason(source, target, ("en", "de"), BOUNDS) == reason


def test_languages_without_spaces_are_measured_in_words_all_the_same() -> None:
    bounds = CleaningConfig(max_length_ratio=1.6)
    english = "The European Central Bank decided on Thursday to leave interest rates unchanged."
    chinese = "欧洲中央银行周四决定维持利率不变。"
    thai = "ธนาคารกลางยุโรปมีมติเมื่อวันพฤหัสบดีให้คงอัตราดอกเบี้ยไว้เท่าเดิม"
    assert drop_reason(english, chinese, ("en", "zh"), bounds) is None
    assert drop_reason(english, thai, ("en", "th"), bounds) is None


@pytest.mark.parametrize(
    ("english", "translation", "language"),
    [
        ("I don't know", "ကျွန်တော်မသိဘူး", "my"),
        ("He is the one who did it", "គាត់ជាអ្នកធ្វើវា", "km"),
        ("I am going to school.", "ང་སློབ་གྲྭ་ལ་འགྲོ་གི་ཡིན་ནོ།", "bo"),
    ],
)
def test_short_translations_into_scripts_of_many_marks_are_kept(
    english: str, translation: str, language: str
) -> None:
    bounds = CleaningConfig(max_words=8)
    assert drop_reason(english, translation, ("en", language), bounds) is None


@given(st.floats(0.5, 300), st.floats(0.5, 300), st.floats(1, 10))
def test_unevenness_does_not_depend_on_the_side(a: float, b: float, ratio: float) -> None:
    assert is_uneven(a, b, ratio) == is_uneven(b, a, ratio)


TEXT = st.text() | st.text(st.sampled_from("aAéß1.,:'-_ “½\t\x85\u0301的กา\u200d\U00020000क"))


@given(TEXT)
def test_the_length_lies_within_its_bounds(text: str) -> None:
    text = normalise(text)
    least, most = length_bounds(text)
    length = length_in_words(text, number_of_words(text))
    assert (least if text else 0) <= length <= most


def test_the_bounds_of_most_sentences_are_close() -> None:
    assert length_bounds("Tom likes Italian food") == (4, 4)
    assert length_bounds("Tom’s food, for 2.5 €!") == (3, 15)


WORDY = st.lists(st.sampled_from(["a", "bc.", "d-e", "é", "1,5", "的", "กา"]), min_size=1)


@given(WORDY, WORDY, st.integers(1, 4), st.integers(4, 9), st.floats(0.5, 4))
def test_no_bound_hides_a_reason(
    source: list[str], target: list[str], least: int, most: int, ratio: float
) -> None:
    texts = " ".join(source), " ".join([*target, "z"])
    cleaning = CleaningConfig(min_words=least, max_words=most, max_length_ratio=ratio)
    lengths = [length_in_words(text, number_of_words(text)) for text in texts]
    expected = None
    if not any(map(str.isalpha, texts[0])):
        expected = "no_letters"
    elif texts[0] == texts[1]:
        expected = "identical"
    elif min(lengths) < least:
        expected = "too_short"
    elif max(lengths) > most:
        expected = "too_long"
    elif is_uneven(*lengths, ratio):
        expected = "length_ratio"
    cleaning = dataclasses.replace(cleaning, check_script=False)
    assert drop_reason(*texts, ("en", "de"), cleaning) == expected


@pytest.mark.parametrize(
    ("markup", "text", "reason"),
    [
        ("keep", "Das <b>Haus</b> &amp; {0}", None),
        ("strip", "Das Haus & {0}", None),
        ("drop", "Das <b>Haus</b> &amp; {0}", "markup"),
    ],
)
def test_markup_is_kept_stripped_or_a_reason(markup: str, text: str, reason: str | None) -> None:
    cleaning = dataclasses.replace(CleaningConfig(), markup=markup)  # type: ignore[arg-type]
    target = cleaned("Das <b>Haus</b> &amp;&shy;  {0}", cleaning)
    assert target == text.replace("&amp;", "&amp;&shy;")
    assert drop_reason("The house and {0}", target, ("en", "de"), cleaning) == reason


def test_rules_see_a_text_without_its_markup() -> None:
    cleaning = CleaningConfig(markup="strip")
    assert drop_reason("Save", cleaned("<b>Save</b>", cleaning), ("en", "de"), cleaning) == (
        "identical"
    )
    assert drop_reason("Save", cleaned("<br/>&nbsp;", cleaning), ("en", "de"), cleaning) == "empty"


@pytest.mark.parametrize(
    ("source", "target", "languages", "reason"),
    [
        ("I see Rome.", "Я вижу Рим.", ("en", "ru"), None),
        ("I see Rome.", "I saw Rome.", ("en", "ru"), "wrong_script"),
        ("Я вижу Рим.", "Вижу Рим я.", ("en", "ru"), "wrong_script"),
        ("I see Rome.", "I saw Rome.", ("en", "sa"), None),
    ],
)
def test_a_side_in_another_script_is_dropped_unless_that_is_switched_off(
    source: str, target: str, languages: tuple[str, str], reason: str | None
) -> None:
    assert drop_reason(source, target, languages, CleaningConfig()) == reason
    assert drop_reason(source, target, languages, CleaningConfig(check_script=False)) is None


FOLDING = st.text("sSßẞﬁfFiİıŉʼnǰ ", max_size=4)  # some fold to several characters


@given(FOLDING, FOLDING)
def test_texts_are_identical_if_only_their_case_differs(source: str, target: str) -> None:
    assert is_identical(source, target) == (source.casefold() == target.casefold())
    assert is_identical(source, source.casefold())
