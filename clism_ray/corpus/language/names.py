"""Invented names, spelled by rule in every script, so that no model can learn them by heart.

A name is a sequence of pieces, each with its six spellings (`lexicon.Forms`); a known name such
as Moscow is a name of one piece. Invented names end in a vowel other than a, because Russian
declines no such name.
"""

from typing import NamedTuple

from clism_ray.corpus.language.dice import Dice
from clism_ray.corpus.language.gazetteer import GIVEN, KINDS, PLACES, Given, Kind
from clism_ray.corpus.language.table import RU, ZH, Forms

Name = tuple[Forms, ...]

# Han characters of the usual transcription of foreign names, for a, e, i, o and u
_ONSETS = (
    ("b", "б", "ब", "巴贝比博布"),
    ("d", "д", "द", "达德迪多杜"),
    ("f", "ф", "फ़", "法费菲福富"),
    ("g", "г", "ग", "加格吉戈古"),
    ("k", "к", "क", "卡克基科库"),
    ("l", "л", "ल", "拉莱利洛卢"),
    ("m", "м", "म", "马梅米莫穆"),
    ("n", "н", "न", "纳内尼诺努"),
    ("p", "п", "प", "帕佩皮波普"),
    ("r", "р", "र", "腊雷里罗鲁"),
    ("s", "с", "स", "萨塞西索苏"),
    ("t", "т", "ट", "塔特蒂托图"),
    ("v", "в", "व", "瓦韦维沃武"),
    ("z", "з", "ज़", "扎泽齐佐祖"),
)
_VOWELS = (
    ("a", "а", "ा", "ा"),
    ("e", "е", "े", "े"),
    ("i", "и", "ि", "ी"),
    ("o", "о", "ो", "ो"),
    ("u", "у", "ु", "ू"),
)  # Latin, Cyrillic, Devanagari within a name and at its end
_CODAS = (
    ("n", "н", "न्", "恩"),
    ("r", "р", "र्", "尔"),
    ("l", "л", "ल्", "勒"),
    ("s", "с", "स्", "斯"),
)


def _forms(latin: str, cyrillic: str, devanagari: str, han: str) -> Forms:
    return (latin, latin, latin, cyrillic, devanagari, han)


def _join(first: Forms, second: Forms) -> Forms:
    return tuple(a + b for a, b in zip(first, second, strict=True))


_OPEN = tuple(
    _forms(o + v, c + w, d + sign, han[i])
    for o, c, d, han in _ONSETS
    for i, (v, w, sign, _) in enumerate(_VOWELS)
)
_CLOSED = tuple(_join(syllable, _forms(*coda)) for syllable in _OPEN for coda in _CODAS)
_INNER = _OPEN * 2 + _CLOSED  # two syllables in three are closed
_FINAL = tuple(
    _forms(o + v, c + w, d + final, han[i])
    for o, c, d, han in _ONSETS
    for i, (v, w, _, final) in enumerate(_VOWELS)
    if v != "a"
)
_COUNTRY = tuple(
    _join(_forms(o, c, d, han[2]), ("ia", "ien", "ia", "ии", "िया", "亚"))
    for o, c, d, han in _ONSETS
)


class Person(NamedTuple):
    """A given name and a surname."""

    given: Given
    surname: Name


class Organisation(NamedTuple):
    """A kind of organisation and what it is called after."""

    kind: Kind
    name: Name


def invent(dice: Dice, final: tuple[Forms, ...] = _FINAL) -> Name:
    """One of 7 million names. The short ones begin with a closed syllable: fewer are words."""
    if dice.chance(40):
        return (dice.pick(_CLOSED), dice.pick(final))
    return (dice.pick(_INNER), dice.pick(_INNER), dice.pick(final))


def person(dice: Dice) -> Person:
    """A known given name with an invented surname."""
    return Person(dice.pick(GIVEN), invent(dice))


def organisation(dice: Dice) -> Organisation:
    """A known kind with an invented name."""
    return Organisation(dice.pick(KINDS), invent(dice))


def place(dice: Dice) -> Name:
    """A known place, an invented city, or an invented country in -ia (German: -ien)."""
    if dice.chance(30):
        return (dice.pick(PLACES),)
    return invent(dice, _COUNTRY if dice.chance(30) else _FINAL)


def spell(name: Name, column: int) -> str:
    """A name in the language of that column of the lexicon."""
    text = "".join([piece[column] for piece in name])
    return text[0].upper() + text[1:]


def spell_person(who: Person, column: int) -> tuple[str, ...]:
    """Given name and surname; in Chinese one word with a middle dot."""
    given, surname = who.given.forms[column], spell(who.surname, column)
    return (f"{given}·{surname}",) if column == ZH else (given, surname)


def spell_organisation(what: Organisation, column: int, case: str = "") -> tuple[str, ...]:
    """The words of an organisation; Russian: "" (nominative), "genitive" or "instrumental"."""
    name = spell(what.name, column)
    if column == RU:
        return (getattr(what.kind, case) if case else what.kind.forms[RU], name)
    return tuple([word.replace("{}", name) for word in what.kind.forms[column].split(" ")])
