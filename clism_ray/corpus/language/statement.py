"""What a synthetic sentence says, before any language says it."""

from typing import Any, NamedTuple

from clism_ray.corpus.language.dice import Dice
from clism_ray.corpus.language.lexicon import (
    ADJECTIVES,
    NOUNS_OF,
    REPORTS,
    TITLES,
    VERBS,
    Adjective,
    Noun,
    Title,
    Verb,
)
from clism_ray.corpus.language.names import Name, Organisation, Person, organisation, person, place
from clism_ray.corpus.language.numerals import ADVERBS, FIRST_NUMBER, NUMBERS, WEEKDAYS
from clism_ray.corpus.language.table import Forms

MAX_SPANS = 4


class Date(NamedTuple):
    """A day, a month of a year, or a year."""

    year: int
    month: int = 0  # from 1; 0: not said
    day: int = 0


class Count(NamedTuple):
    """How many: a numeral, millions, or digits."""

    value: int
    numeral: Forms | None = None
    millions: bool = False


class Statement(NamedTuple):
    """Somebody did something, perhaps with or for somebody, somewhere, at a time."""

    subject: Person | Organisation
    verb: Verb
    noun: Noun
    title: Title | None = None  # of a person
    adjective: Adjective | None = None
    number: Count | None = None
    partner: Person | Organisation | None = None
    benefits: bool = False  # for the partner, not with it
    place: Name | None = None
    date: Date | None = None
    weekday: Forms | None = None
    adverb: Forms | None = None
    time_first: bool = False
    reporter: Organisation | None = None
    report: Forms | None = None  # the reporter's verb; without one, "according to"


def draw_statement(dice: Dice) -> Statement:
    """A meaning with one to four spans."""
    subject = person(dice) if dice.chance(60) else organisation(dice)
    verb = dice.pick(VERBS)
    spans_left = MAX_SPANS - 1
    said: dict[str, Any] = {}
    if isinstance(subject, Person) and dice.chance(40):
        said["title"] = dice.pick(TITLES)
    if dice.chance(55):
        said["adjective"] = dice.pick(ADJECTIVES)
    if dice.chance(20):
        said["reporter"] = organisation(dice)
        said["report"] = dice.pick(REPORTS) if dice.chance(60) else None
        spans_left -= 1
    if dice.chance(35):
        said["partner"] = person(dice) if dice.chance(50) else organisation(dice)
        said["benefits"] = dice.chance(50)
        spans_left -= 1
    if spans_left and dice.chance(30):
        said["number"] = _draw_count(dice)
        spans_left -= 1
    if spans_left and dice.chance(50):
        said["place"] = place(dice)
        spans_left -= 1
    if dice.chance(60):
        said |= _draw_time(dice) if spans_left else {"adverb": dice.pick(ADVERBS)}
        said["time_first"] = dice.chance(25)
    return Statement(subject, verb, dice.pick(NOUNS_OF[verb]), **said)


def label(statement: Statement, role: str) -> str:
    """The label of the span that plays this role."""
    if role in ("subject", "partner"):
        return "name" if isinstance(getattr(statement, role), Person) else "organisation"
    return {"place": "place", "time": "date", "reporter": "organisation", "number": "number"}[role]


def _draw_count(dice: Dice) -> Count:
    size = dice.roll(4)
    if size == 0:
        which = dice.roll(len(NUMBERS))
        return Count(FIRST_NUMBER + which, NUMBERS[which])
    if size == 1:
        return Count((FIRST_NUMBER + dice.roll(15)) * 1_000_000, millions=True)
    if size == 2:
        return Count((12 + dice.roll(900)) * 1000)
    # after 1 to 4 a Russian noun stands in another case
    return Count((12 + dice.roll(900)) * 10 + dice.pick((0, 5, 6, 7, 8, 9)))


def _draw_time(dice: Dice) -> dict[str, Any]:
    kind = dice.roll(8)
    if kind < 2:
        return {"adverb": dice.pick(ADVERBS)}
    if kind == 2:
        return {"weekday": dice.pick(WEEKDAYS)}
    year = 1900 + dice.roll(130)
    if kind == 3:
        return {"date": Date(year)}
    month = 1 + dice.roll(12)
    return {"date": Date(year, month, 0 if kind == 4 else 1 + dice.roll(28))}
