"""Which pairs are usable: one small rule each, and the first that fails names the reason."""

import re
import string
import unicodedata

from clism_ray.config_corpus import CleaningConfig
from clism_ray.corpus.identify import is_other_language
from clism_ray.corpus.markup import has_markup, without_markup
from clism_ray.corpus.scripts import is_other_script
from clism_ray.corpus.words import length_in_words, number_of_words

# Control and format characters nobody sees: C0 and C1 controls without the white space among
# them, soft hyphen, direction marks, zero-width spaces, byte order mark, tags. The visible
# number signs of Arabic (U+0600 to U+0605) are format characters too, and stay; so does the
# Mongolian vowel separator after a letter, whose last vowel has another shape behind it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0001-\U000e007f]"
    "|(?<![\u180b-\u180d\u1820-\u18aa])\u180e"
)
_JOINERS = re.compile("[\u200c\u200d]+")
_COMPOSED = 4  # characters that NFC makes one, at most: \u1f82 is a letter and three marks
_PLAIN = (string.ascii_letters + string.digits + "_ ").encode()


def cleaned(text: str, cleaning: CleaningConfig) -> str:
    """The form in which a text is kept: `normalise`d, after its markup is gone if that is asked."""
    text = without_markup(text) if cleaning.markup == "strip" else text
    return normalise(text, cleaning.max_characters)


def normalise(text: str, max_characters: int | None = None) -> str:
    """NFC, white space collapsed to single spaces, invisible characters removed.

    Zero-width joiner and non-joiner change how Indic scripts and Persian are read: they stay
    after a letter or mark of the same word, and go elsewhere. A non-joiner stays between a digit
    and a letter, too: Persian has it in "20 years old".

    A text that has over `max_characters` in NFC, too, is not brought into it: a megabyte of marks
    would take minutes, as they are sorted one by one.
    """
    if text.isprintable():  # so nothing is invisible, and white space are spaces alone
        if "  " in text or text.startswith(" ") or text.endswith(" "):
            text = " ".join(text.split())
    else:
        text = " ".join(_JOINERS.sub(_joiner, _INVISIBLE.sub("", text)).split())
    if max_characters is not None and len(text) > _COMPOSED * max_characters:
        return text
    return unicodedata.normalize("NFC", text)


def drop_reason(
    source: str, target: str, languages: tuple[str, str], cleaning: CleaningConfig
) -> str | None:
    """Why a pair of `cleaned` sentences cannot be used, or None.

    Reasons: empty, identical, too_long, no_letters, too_short, length_ratio, markup,
    wrong_script, wrong_language.
    """
    return _useless(source, target, cleaning) or _foreign(source, target, languages, cleaning)


def _useless(source: str, target: str, cleaning: CleaningConfig) -> str | None:
    if not source or not target:
        return "empty"
    if is_identical(source, target):
        return "identical"
    if max(len(source), len(target)) > cleaning.max_characters:
        return "too_long"
    if not (has_letters(source) and has_letters(target)):
        return "no_letters"
    if _clearly_fits(source, target, cleaning):
        return None
    lengths = [length_in_words(text, number_of_words(text)) for text in (source, target)]
    if min(lengths) < cleaning.min_words:
        return "too_short"
    if max(lengths) > cleaning.max_words:
        return "too_long"
    if is_uneven(lengths[0], lengths[1], cleaning.max_length_ratio):
        return "length_ratio"
    return None


def _clearly_fits(source: str, target: str, cleaning: CleaningConfig) -> bool:
    """Whether `length_bounds` show that the words of a pair are as many as they may be.

    They do for most pairs in Latin letters; counting takes longer than all other rules together.
    """
    (least, most), (other_least, other_most) = length_bounds(source), length_bounds(target)
    return (
        min(least, other_least) >= cleaning.min_words
        and max(most, other_most) <= cleaning.max_words
        and most <= cleaning.max_length_ratio * other_least
        and other_most <= cleaning.max_length_ratio * least
    )


def length_bounds(text: str) -> tuple[int, int]:
    """At least and at most how long a `normalise`d text is, as `length_in_words` counts.

    Between two spaces there is a word or more, and a letter of any script takes less than one from
    the length. A run of ASCII letters and digits is never more than one word, so every other
    character adds two at most: itself, and the run behind it.
    """
    ascii_only = text.encode("ascii", "ignore")
    others = len(text) - len(ascii_only)
    runs = ascii_only.count(b" ") + 1
    signs = len(ascii_only.translate(None, _PLAIN))
    return runs - others, runs + 2 * (signs + others)


def _foreign(
    source: str, target: str, languages: tuple[str, str], cleaning: CleaningConfig
) -> str | None:
    if cleaning.markup == "drop" and (has_markup(source) or has_markup(target)):
        return "markup"
    if cleaning.check_script and (
        is_other_script(source, languages[0]) or is_other_script(target, languages[1])
    ):
        return "wrong_script"
    least = cleaning.min_language_probability
    if cleaning.identify_language and (
        is_other_language(source, languages[0], languages, least)
        or is_other_language(target, languages[1], languages, least)
    ):
        return "wrong_language"
    return None


def is_identical(source: str, target: str) -> bool:
    """Whether the target is the source left untranslated."""
    first, other = source[:1].casefold(), target[:1].casefold()
    # One character may fold to several, so that one's begin the other's: "ß" and "s".
    if not (first.startswith(other) or other.startswith(first)):
        return False
    return source.casefold() == target.casefold()


def has_letters(text: str) -> bool:
    """Whether a text has any letter: rows of digits and signs translate nothing."""
    return any(map(str.isalpha, text))


def is_uneven(source_words: float, target_words: float, max_ratio: float) -> bool:
    """Whether one side has over `max_ratio` times the words of the other.

    Short sentences vary more: two words on either side are free.
    """
    shorter, longer = sorted((source_words, target_words))
    return longer > max_ratio * shorter and longer - shorter > 2


def _joiner(match: re.Match[str]) -> str:
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    is_in_word = bool(before) and unicodedata.category(before)[0] in "LM"
    is_behind_number = before.isdecimal() and match[0][0] == "\u200c" and after.isalpha()
    return match[0][0] if is_in_word or is_behind_number else ""
