"""Words of a text, in any script, as character offsets.

One rule serves every language, so a text in several scripts needs no language code. A word is
a run of letters, marks and digits; marks (Devanagari vowel signs, Arabic diacritics) stay with
their letter or sign. A number keeps its separators and the Latin letters after it ("1,000.5",
"2:30", "3.5m"), an abbreviation its dots ("U.S."). Between digits or Latin letters and letters of
another script a word ends ("NATO는", "2020г"), unless a joiner holds them together. In scripts
that write no spaces each character is a word. Any other character that is no white space is a word
of its own.
"""

import re
import unicodedata
from functools import lru_cache
from typing import TypeAlias

from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

Offsets: TypeAlias = tuple[int, int]


# The sound marks of Japanese are of no script in Unicode.
_UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\uff70\uff9e\uff9f"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)
_LETTER = rf"[\p{{L}}\p{{N}}\p{{M}}_\u180e\u200c\u200d&&[^{_UNSPACED}]]"
_OF_OTHER_SCRIPT = rf"[\p{{L}}&&[^\p{{Latin}}\p{{Common}}{_UNSPACED}]]"
_BESIDE_LATIN = rf"[{_LETTER}&&[^{_OF_OTHER_SCRIPT}]]"
_BESIDE_OTHER = rf"[{_LETTER}&&[^\p{{N}}\p{{Latin}}]]"  # marks, joiners and the like are of both
_JOINED = rf"(?:(?<=[\u200c\u200d]){_LETTER}+)?"
_WORD = (
    r"(?:\p{Lu}\.){2,}"
    rf"|\p{{Nd}}++(?:[.,:\u066b\u066c]\p{{Nd}}++)*+{_BESIDE_LATIN}*+{_JOINED}"
    rf"|[{_UNSPACED}][\p{{M}}\u200c\u200d]*"
    rf"|[{_BESIDE_LATIN}&&{_BESIDE_OTHER}]*+{_OF_OTHER_SCRIPT}{_BESIDE_OTHER}*+{_JOINED}"
    rf"|{_BESIDE_LATIN}++{_JOINED}"
    r"|\S[\p{M}\u200c\u200d]*"
)

# Characters that make up a word on average, in scripts whose characters are words here.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]")
_CJK_CHARACTERS = 2
_SOUTH_EAST_ASIAN = re.compile(  # letters; marks belong to them
    r"[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ec0-\u0ec6\u0f40-\u0f6c]"
)
_SOUTH_EAST_ASIAN_CHARACTERS = 4
_BURMESE_KHMER = re.compile(  # likewise: of fewer letters, as vowels are marks
    r"[\u1000-\u102a\u103f\u1050-\u1055\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081"
    r"\u108e\u1780-\u17b3]"
)
_BURMESE_KHMER_CHARACTERS = 2.5
_BETWEEN_SYLLABLES = re.compile("[\u0f0b\u0f0c]")  # of Tibetan, where no space would stand


# Text of Latin letters and the usual signs has none of the scripts and marks above: for it, `re`
# finds the same words in a third of the time. `latin_words` finds those of many such texts at once.
# The letters from 1E00 on are mostly Vietnamese ones.
LATIN = [
    chr(code) for code in (*range(0x250), *range(0x1E00, 0x1F00), *range(0x2010, 0x2028), 0x20AC)
]


def _latin(*categories: str) -> str:
    """The Latin characters of Unicode categories, to stand inside brackets."""
    return re.escape("".join(c for c in LATIN if unicodedata.category(c).startswith(categories)))


_NOT_LATIN = re.compile(f"[^{re.escape(''.join(LATIN))}]")
_LATIN_WORD = re.compile(
    rf"(?:[{_latin('Lu')}]\.){{2,}}"
    rf"|[0-9]+(?:[.,:][0-9]+)*[{_latin('L', 'N')}_]*"
    rf"|[{_latin('L', 'N')}_]+"
    r"|[^\t-\r \x85\xa0]"
)


@lru_cache(maxsize=1)
def _splitter() -> Split:
    return Split(Regex(_WORD), behavior="removed", invert=True)


def words(text: str) -> list[Offsets]:
    """Half-open character offsets of the text's words, in order."""
    if is_latin(text):
        return [match.span() for match in _LATIN_WORD.finditer(text)]
    return [offsets for _, offsets in pieces_in_any_script(text)]


def is_latin(text: str) -> bool:
    """Whether a text has Latin letters and the usual signs alone."""
    return text.isascii() or not _NOT_LATIN.search(text)


def pieces_in_any_script(text: str) -> list[tuple[str, Offsets]]:
    """The words with their places, without the shorter way for Latin letters."""
    found: list[tuple[str, Offsets]] = _splitter().pre_tokenize_str(text)
    return found


def number_of_words(text: str) -> int:
    """How many `words` a text has. Where nobody asks for their places, this takes half the time."""
    if is_latin(text):
        return _LATIN_WORD.subn("", text)[1]
    return len(pieces_in_any_script(text))


def surfaces(text: str) -> list[str]:
    """The words themselves."""
    return [text[start:end] for start, end in words(text)]


def length_in_words(text: str, number: int) -> float:
    """How many words a text would have if every script wrote spaces; `number` is of its `words`.

    Counting Chinese characters or Thai letters as words would make their sentences look
    two to four times as long as an equal English one.
    """
    count: float = number
    if text.isascii():
        return count
    count -= len(_CJK.findall(text)) * (1 - 1 / _CJK_CHARACTERS)
    count -= len(_SOUTH_EAST_ASIAN.findall(text)) * (1 - 1 / _SOUTH_EAST_ASIAN_CHARACTERS)
    count -= len(_BURMESE_KHMER.findall(text)) * (1 - 1 / _BURMESE_KHMER_CHARACTERS)
    count -= len(_BETWEEN_SYLLABLES.findall(text))
    return max(count, min(1.0, number))


@lru_cache(maxsize=100_000)
def is_punctuation(word: str) -> bool:
    """Whether a word has neither a letter nor a digit."""
    return not (word.isalnum() or any(character.isalnum() for character in word))


def is_unspaced(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    patterns = _CJK, _SOUTH_EAST_ASIAN, _BURMESE_KHMER
    return not word.isascii() and any(pattern.match(word) for pattern in patterns)
