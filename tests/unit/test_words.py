"""Words in many scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.words import (
    LATIN,
    is_latin,
    is_punctuation,
    is_unspaced,
    length_in_words,
    number_of_words,
    pieces_in_any_script,
    surfaces,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tom's co-op.", ["Tom", "'", "s", "co", "-", "op", "."]),
        ("U.S. 1,000.5 at 2:30.", ["U.S.", "1,000.5", "at", "2:30", "."]),
        ("£108.9m in the 1990s", ["£", "108.9m", "in", "the", "1990s"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("प्रश्न का उत्तर।", ["प्रश्न", "का", "उत्तर", "।"]),
        ("المدرّسُ يسخر ٢٠٠٩", ["المدرّسُ", "يسخر", "٢٠٠٩"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("۲۰\u200cساله", ["۲۰\u200cساله"]),
        ("PDF\u200cها", ["PDF\u200cها"]),
        ("NATO는 2020년에 IBM을", ["NATO", "는", "2020", "년에", "IBM", "을"]),
        ("3.5млн 2020г. Т34", ["3.5", "млн", "2020", "г", ".", "Т", "34"]),
        ("2020లో 2020இல் २०वीं", ["2020", "లో", "2020", "இல்", "२०", "वीं"]),
        ("e\u0301и\u0306 б_в мʼята ʼя", ["e\u0301", "и\u0306", "б_в", "мʼята", "ʼя"]),
        ("COVID19 3rd 5km 5µm", ["COVID19", "3rd", "5km", "5µm"]),
        ("ᠬᠠᠷ\u180eᠠ ᠠ", ["ᠬᠠᠷ\u180eᠠ", "ᠠ"]),
        ("我们有50个ABC。", ["我", "们", "有", "50", "个", "ABC", "。"]),
        ("ユーザーIDを", ["ユ", "ー", "ザ", "ー", "ID", "を"]),
        ("ﾕｰｻﾞｰA", ["ﾕ", "ｰ", "ｻ", "ﾞ", "ｰ", "A"]),
        ("ﾊﾟｽ3か", ["ﾊ", "ﾟ", "ｽ", "3", "か"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("I\u2764\ufe0fNY", ["I", "\u2764\ufe0f", "NY"]),  # a sign with its variation selector
        ("a|||b", ["a", "|", "|", "|", "b"]),
        ("", []),
    ],
)
def test_words_of_many_scripts(text: str, expected: list[str]) -> None:
    assert surfaces(text) == expected


def test_the_sound_marks_of_japanese_have_places_of_their_own() -> None:
    text = "サーバーPCとﾃﾞｰﾀ"
    assert words(text) == [
        *((n, n + 1) for n in range(4)),
        (4, 6),
        *((n, n + 1) for n in range(6, 11)),
    ]
    assert all(is_unspaced(character) for character in "ーｰﾞﾟ")
    assert length_in_words(text, 10) == 1 + 9 / 2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("བོད་ཡིག་", 4 / 4),  # what parts syllables counts nothing
        ("བོད༌ཡིག།", 4 / 4 + 1),
        ("ကျွန်တော်မသိဘူး", 6 / 2.5),
        ("គាត់ជាអ្នកធ្វើវា", 9 / 2.5),
        ("ที่นี่", 2 / 4),
    ],
)
def test_letters_count_as_many_words_as_their_script_makes_of_them(
    text: str, length: float
) -> None:
    assert length_in_words(text, number_of_words(text)) == pytest.approx(max(length, 1))


@given(st.text())
def test_words_are_in_order_and_leave_out_white_space_only(text: str) -> None:
    offsets = words(text)
    ends = [0, *(end for _, end in offsets)]
    starts = [*(start for start, _ in offsets), len(text)]
    assert all(start < end for start, end in offsets)
    assert all(text[end:start].strip() == "" for end, start in zip(ends, starts, strict=True))
    assert [text[start:end] for start, end in offsets] == surfaces(text)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_in_latin_script_the_length_is_the_number_of_words(text: str) -> None:
    assert length_in_words(text, len(words(text))) == len(words(text))


@given(st.text(min_size=1))
def test_a_text_with_words_is_at_least_one_word_long(text: str) -> None:
    number = len(words(text))
    assert min(1, number) <= length_in_words(text, number) <= number


@given(st.text() | st.text(st.sampled_from(LATIN) | st.sampled_from("AÄz9.,: _½²\x1c\x85\xa0”")))
def test_words_are_counted_as_they_are_found(text: str) -> None:
    assert number_of_words(text) == len(words(text))


def test_punctuation_has_neither_letters_nor_digits() -> None:
    assert is_punctuation("—")
    assert not is_punctuation("5")
    assert not is_punctuation("क")


@given(st.text(st.sampled_from(LATIN) | st.sampled_from("AÄz9.,: _½²\x1c\x85\xa0”")))
def test_the_shorter_way_for_latin_letters_finds_the_same_words(text: str) -> None:
    assert words(text) == [offsets for _, offsets in pieces_in_any_script(text)]


def test_no_latin_character_makes_the_shorter_way_another() -> None:
    for before in ("", "a", "1.", "A."):
        text = "\n".join(f"{before}{character}1.{character}.{character}.a" for character in LATIN)
        assert words(text) == [offsets for _, offsets in pieces_in_any_script(text)]


def test_vietnamese_goes_the_shorter_way() -> None:
    assert is_latin("Tiếng Việt được viết bằng chữ Quốc ngữ, từ 1919.")


@given(st.text())
def test_both_ways_agree_where_scripts_are_mixed(text: str) -> None:
    assert words(text) == [offsets for _, offsets in pieces_in_any_script(text)]
