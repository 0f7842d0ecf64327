"""Cleaning: normal form, and one reason for each kind of useless pair."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config import CleaningConfig
from clism_ray.corpus.clean import drop_reason, is_uneven, normalise


def test_white_space_is_collapsed_and_invisible_characters_go() -> None:
    assert normalise(" a\t\u00a0b\u2028c\x00\u200bd\ufeff\u00ade ") == "a b cde"


def test_joiners_stay_where_they_shape_letters_and_go_elsewhere() -> None:
    assert normalise("می\u200cخواهم") == "می\u200cخواهم"
    assert normalise("क\u094d\u200dष") == "क\u094d\u200dष"
    assert normalise("\u200da \u200cb 1\u200d2") == "a b 12"


def test_letters_and_marks_are_composed() -> None:
    assert normalise("e\u0301 e\u200b\u0301") == "é é"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)


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
    assert drop_reason(source, target, BOUNDS) == reason


def test_languages_without_spaces_are_measured_in_words_all_the_same() -> None:
    bounds = CleaningConfig(max_length_ratio=1.6)
    english = "The European Central Bank decided on Thursday to leave interest rates unchanged."
    chinese = "欧洲中央银行周四决定维持利率不变。"
    thai = "ธนาคารกลางยุโรปมีมติเมื่อวันพฤหัสบดีให้คงอัตราดอกเบี้ยไว้เท่าเดิม"
    assert drop_reason(english, chinese, bounds) is None
    assert drop_reason(english, thai, bounds) is None


@given(st.floats(0.5, 300), st.floats(0.5, 300), st.floats(1, 10))
def test_unevenness_does_not_depend_on_the_side(a: float, b: float, ratio: float) -> None:
    assert is_uneven(a, b, ratio) == is_uneven(b, a, ratio)
