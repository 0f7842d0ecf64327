"""Whether a text is written in a script of its language.

Names, code and addresses stand in Latin letters in text of every script, and a Chinese character
says as much as several of them. So among the letters of another script a Latin one counts
little, and a Chinese sentence about a Python function is Chinese; English left untranslated has
nothing to set against it. Letters of any third script count in full. Of 213,000 Arabic, Hindi and
Chinese sentences, most of the Chinese ones from software manuals, this drops one in 1,200: what is
untranslated, in another language or nothing but code. A plain majority would drop one in eight.
"""

import re
import string
from functools import cache
from typing import NamedTuple

LATIN_LETTERS = 40  # count as one letter of the language's own script
_ASCII_LETTERS = string.ascii_letters.encode()

# Letters and marks by ISO 15924 code, hexadecimal: https://www.unicode.org/charts
_LETTERS = {
    "Adlm": "1E900-1E94B",
    "Arab": "0610-061A 0620-065F 066E-06D3 06D5-06DC 06DF-06E8 06EA-06EF 06FA-06FF 0750-077F "
    "0870-08FF FB50-FDFB FE70-FEFC",
    "Armn": "0531-0556 0559-0588 FB13-FB17",
    "Beng": "0980-09E3 09F0-09FE",
    "Bopo": "3105-312F 31A0-31BF",
    "Cans": "1401-166C 166F-167F 18B0-18F5",
    "Cyrl": "0400-0481 0483-052F 1C80-1C8A 2DE0-2DFF A640-A69F",
    "Deva": "0900-0963 0971-097F A8E0-A8FF",
    "Ethi": "1200-135F 1380-138F 2D80-2DDE AB01-AB2E",
    "Geor": "10A0-10FA 10FC-10FF 1C90-1CBF 2D00-2D2D",
    "Glag": "2C00-2C5F 1E000-1E02A",
    "Grek": "0370-0373 0376-037D 037F 0386-03E1 03F0-03FF 1F00-1FFC",
    "Gujr": "0A81-0AE3 0AF9-0AFF",
    "Guru": "0A01-0A65 0A70-0A75",
    "Hang": "1100-11FF 3131-318E A960-A97C AC00-D7FB FFA0-FFDC",
    "Hani": "2E80-2FD5 3005-3007 3021-3029 3038-303B 3400-4DBF 4E00-9FFF F900-FAD9 20000-323AF",
    "Hebr": "0591-05F2 FB1D-FB4F",
    "Hira": "3041-309F",
    "Java": "A980-A9C0",
    "Kana": "30A1-30FF 31F0-31FF FF66-FF9F",
    "Khmr": "1780-17D3 17D7 17DC-17DD",
    "Knda": "0C80-0CE3 0CF1-0CF3",
    "Laoo": "0E81-0ECE 0EDC-0EDF",
    "Latn": "41-5A 61-7A AA BA C0-D6 D8-F6 F8-02AF 1D00-1D25 1D6B-1D9A 1E00-1EFF 2C60-2C7F "
    "A722-A788 A78B-A7FF AB30-AB64 FB00-FB06 FF21-FF3A FF41-FF5A",
    "Mlym": "0D00-0D63 0D7A-0D7F",
    "Mong": "180B-180D 1820-18AA",
    "Mymr": "1000-103F 1050-109D A9E0-A9EF A9FA-A9FE AA60-AA7F",
    "Orya": "0B01-0B63 0B71",
    "Sinh": "0D81-0DDF 0DF2-0DF3",
    "Sund": "1B80-1BAF 1BBA-1BBF",
    "Taml": "0B82-0BD7",
    "Telu": "0C00-0C63",
    "Thaa": "0780-07B1",
    "Thai": "0E01-0E3A 0E40-0E4E",
    "Tibt": "0F00 0F18-0F19 0F35-0F39 0F3E-0FC6",
    "Yiii": "A000-A48C",
}

# Which languages are printed in a script today. Avestan, Pali and Sanskrit stand nowhere, for they
# are printed in the scripts of many others.
_LANGUAGES = {
    "Latn": "aa af ak an ay az bi bm br bs ca ch co cr cs cy da de ee en eo es et eu ff fi fj fo "
    "fr fy ga gd gl gn gv ha ho hr ht hu hz ia id ie ig ik io is it iu jv kg ki kj kk kl kr ku "
    "kw la lb lg li ln lt lu lv mg mh mi ms mt na nb nd ng nl nn no nr nv ny oc oj om pl pt qu "
    "rm rn ro rw sc se sg sk sl sm sn so sq sr ss st su sv sw tk tl tn to tr ts tt tw ty ug uz "
    "ve vi vo wa wo xh yo za zu",
    "Cyrl": "ab av az ba be bg bs ce cu cv kk ku kv ky mk mn os ru sr tg tk tt ug uk uz",
    "Arab": "ar az fa ff ha kk kr ks ku ky ms pa ps sd so tg tk ug ur uz wo",
    "Deva": "hi ks mr ne sd",
    "Ethi": "aa am om ti",
    "Cans": "cr iu oj",
    "Hebr": "he yi",
    "Hani": "ja ko zh",
    "Adlm": "ff",
    "Armn": "hy",
    "Beng": "as bn",
    "Bopo": "zh",
    "Geor": "ka",
    "Glag": "cu",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Hira": "ja",
    "Java": "jv",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mong": "mn",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Sund": "su",
    "Taml": "ta",
    "Telu": "te",
    "Thaa": "dv",
    "Thai": "th",
    "Tibt": "bo dz",
    "Yiii": "ii",
}
_SEVERAL = {  # ISO 15924 codes of more than one script
    "Hans": ("Hani", "Bopo"),
    "Hant": ("Hani", "Bopo"),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
}


class _Letters(NamedTuple):
    """Patterns for runs of letters, seen from one language."""

    has_latin: bool  # among its own
    own: re.Pattern[str]
    third: re.Pattern[str]  # neither its own nor Latin


def scripts_of(language: str) -> tuple[str, ...]:
    """The scripts a language is written in, as ISO 15924 codes; none if that is not known.

    A tag that names a script, as `sr-Latn` does, leaves that one. Simplified and traditional
    Chinese share most of their characters, and are not told apart.
    """
    code, *subtags = language.split("-")
    for subtag in subtags:
        if len(subtag) == 4:  # regions are shorter, variants longer
            named = _SEVERAL.get(subtag.title(), (subtag.title(),))
            return named if all(script in _LETTERS for script in named) else ()
    return tuple(script for script, written in _LANGUAGES.items() if code in written.split())


def is_other_script(text: str, language: str) -> bool:
    """Whether the letters of a text are of other scripts than its language is written in.

    They are if those of its own script are fewer than those of a third plus a fortieth of the
    Latin ones; where Latin is its own, if they are fewer than all others.
    """
    letters = _letters(language)
    if letters is None or (letters.has_latin and _is_mostly_ascii_letters(text)):
        return False
    own = _count(letters.own, text)
    if 2 * own >= len(text):
        return False
    others: float = _count(letters.third, text)
    if not letters.has_latin:
        others += _count(_LATIN, text) / LATIN_LETTERS
    return own < others


def _is_mostly_ascii_letters(text: str) -> bool:
    """Whether a text is ASCII, or at least half of its characters are ASCII letters."""
    if text.isascii():
        return True
    ascii_only = text.encode("ascii", "ignore")
    return 2 * (len(ascii_only) - len(ascii_only.translate(None, _ASCII_LETTERS))) >= len(text)


def _count(runs: re.Pattern[str], text: str) -> int:
    return len(text) - len(runs.sub("", text))


def _characters(scripts: tuple[str, ...]) -> str:
    """The inside of a character class."""
    ranges = (part.split("-") for script in scripts for part in _LETTERS[script].split())
    return "".join("-".join(chr(int(end, 16)) for end in ends) for ends in ranges)


_LATIN = re.compile(f"[{_characters(('Latn',))}]+")


@cache
def _letters(language: str) -> _Letters | None:
    scripts = scripts_of(language)
    if not scripts:
        return None
    own, latin = _characters(scripts), _characters(("Latn",))
    third = re.compile(rf"[^\W\d_{own}{latin}]+")
    return _Letters("Latn" in scripts, re.compile(f"[{own}]+"), third)
