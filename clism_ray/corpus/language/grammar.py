"""What a synthetic sentence says, and how each of six languages says it.

A `Statement` is a meaning without words. Each language is one function from a statement to a
sequence of words, every word with the concepts it expresses, one letter each. Words of two
languages that share a concept correspond: the links need no further rule. Capital letters are
the concepts of spans (`ROLES`).

Every role has its own marking in every language - place in the sentence, preposition, case or
postposition - so what a hidden span is can be read off its surroundings.
"""

from collections.abc import Callable

from clism_ray.corpus.language.names import Organisation, Person, spell
from clism_ray.corpus.language.phrases import (
    COMMA,
    Word,
    entity,
    perfective,
    russian_in,
    subject_words,
    thing_words,
    time_words,
    with_article,
    words_of,
)
from clism_ray.corpus.language.statement import Statement
from clism_ray.corpus.language.table import DE, EN, ES, HI, RU, ZH


def english(s: Statement) -> list[Word]:
    """Subject, verb, object, partner, place, time."""
    time = time_words(s, EN, "on", "in", "in")
    front: list[Word] = []
    if s.reporter:
        reporter = [("the", "e"), *entity(s.reporter, "reporter", EN)]
        if s.report:
            front = [*reporter, (s.report[EN], "r"), ("that", "c")]
        else:
            front = [("according", "x"), ("to", "x"), *reporter, COMMA]
    elif s.time_first:
        front, time = [*time, COMMA], []
    thing = thing_words(s, EN, "")
    if not s.number:
        thing = [("an" if thing[0][0][0] in "aeiou" else "a", "i"), *thing]
    words = [*front, *subject_words(s, EN, "the", "the"), (s.verb.forms[EN], "v"), *thing]
    if s.partner:
        words.append(("for" if s.benefits else "with", "w"))
        words += with_article(s.partner, "partner", EN, "the", "q")
    if s.place:
        words += [("in", "l"), *words_of(spell(s.place, EN), "E")]
    return words + time


_NOMINATIVE = {"m": "der", "f": "die", "n": "das"}
_DATIVE = {"m": "dem", "f": "der", "n": "dem"}
_ACCUSATIVE = {"m": "den", "f": "die", "n": "das"}
_INDEFINITE = {"m": "einen", "f": "eine", "n": "ein"}


def german(s: Statement) -> list[Word]:
    """The finite verb stands second, the participle last; in a subordinate clause both do."""
    time = time_words(s, DE, "am", "im", "im Jahr")
    front: list[Word] = []
    subordinate = s.reporter is not None and s.report is not None
    if s.reporter:
        gender = s.reporter.kind.gender[DE]
        reporter = entity(s.reporter, "reporter", DE)
        if s.report:
            front = [(_NOMINATIVE[gender], "e"), *reporter, ("hat", "r"), (s.report[DE], "r")]
            front += [COMMA, ("dass", "c")]
        else:
            front = [("laut", "x"), (_DATIVE[gender], "e"), *reporter]
    elif s.time_first:
        front, time = time, []
    gender = s.subject.given.gender if isinstance(s.subject, Person) else s.subject.kind.gender[DE]
    subject = subject_words(s, DE, _NOMINATIVE[gender], _NOMINATIVE[gender])
    middle = list(time)
    if s.partner:
        middle.append(("für" if s.benefits else "mit", "w"))
        articles = _ACCUSATIVE if s.benefits else _DATIVE
        kind = "m" if isinstance(s.partner, Person) else s.partner.kind.gender[DE]
        middle += with_article(s.partner, "partner", DE, articles[kind], "q")
    if s.place:
        middle += [("in", "l"), *words_of(spell(s.place, DE), "E")]
    if not s.number:
        middle.append((_INDEFINITE[s.noun.gender[DE]], "i"))
    middle += [*thing_words(s, DE, s.noun.gender[DE]), (s.verb.forms[DE], "v")]
    has: Word = ("hat", "v")
    if subordinate:
        return [*front, *subject, *middle, has]
    return [*front, has, *subject, *middle] if front else [*subject, has, *middle]


def spanish(s: Statement) -> list[Word]:
    """As English, but the adjective follows its noun."""
    time = time_words(s, ES, "el", "en", "en")
    front: list[Word] = []
    if s.reporter:
        article = "la" if s.reporter.kind.gender[ES] == "f" else "el"
        reporter = [(article, "e"), *entity(s.reporter, "reporter", ES)]
        if s.report:
            front = [*reporter, (s.report[ES], "r"), ("que", "c")]
        else:
            front = [("según", "x"), *reporter, COMMA]
    elif s.time_first:
        front, time = [*time, COMMA], []
    gender = s.subject.given.gender if isinstance(s.subject, Person) else s.subject.kind.gender[ES]
    article = "la" if gender == "f" else "el"
    words = [*front, *subject_words(s, ES, article, article), (s.verb.forms[ES], "v")]
    if not s.number:
        words.append(("una" if s.noun.gender[ES] == "f" else "un", "i"))
    words += thing_words(s, ES, s.noun.gender[ES])
    if s.partner:
        words.append(("para" if s.benefits else "con", "w"))
        female = isinstance(s.partner, Organisation) and s.partner.kind.gender[ES] == "f"
        words += with_article(s.partner, "partner", ES, "la" if female else "el", "q")
    if s.place:
        words += [("en", "l"), *words_of(spell(s.place, ES), "E")]
    return words + time


def russian(s: Statement) -> list[Word]:
    """Without articles; the verb agrees with the subject; the time stands before the verb."""
    time = time_words(s, RU, "в", "в", "в")
    front: list[Word] = []
    if s.reporter and s.report:
        verb = s.report[RU] + _PAST[s.reporter.kind.gender[RU]]
        front = [*entity(s.reporter, "reporter", RU), (verb, "r"), COMMA, ("что", "c")]
    elif s.reporter:
        front = [("по", "x"), ("данным", "x")]
        front += [*entity(s.reporter, "reporter", RU, "genitive"), COMMA]
    elif s.time_first:
        front, time = time, []
    gender = s.subject.given.gender if isinstance(s.subject, Person) else s.subject.kind.gender[RU]
    words = [*front, *subject_words(s, RU), *time, (s.verb.forms[RU] + _PAST[gender], "v")]
    words += thing_words(s, RU, s.noun.gender[RU])
    if s.partner:
        words.append(("для" if s.benefits else "с", "w"))
        case = "genitive" if s.benefits else "instrumental"
        words += entity(s.partner, "partner", RU, case)
    if s.place:
        place = spell(s.place, RU)
        words += [(russian_in(place), "l"), *words_of(place, "E")]
    return words


_PAST = {"m": "", "f": "а", "n": "о"}


def hindi(s: Statement) -> list[Word]:
    """Postpositions; the verb stands last and agrees with the object."""
    time = time_words(s, HI, "को", "में", "में")
    front: list[Word] = []
    if s.reporter:
        front = entity(s.reporter, "reporter", HI)
        if s.report:
            front += [("ने", ""), *words_of(s.report[HI], "r"), ("कि", "c")]
        else:
            front += [("के", "x"), ("अनुसार", "x"), COMMA]
    elif s.time_first:
        front, time = time, []
    words = [*front, *subject_words(s, HI), ("ने", ""), *time]
    if s.place:
        words += [*words_of(spell(s.place, HI), "E"), ("में", "l")]
    if s.partner:
        words += [*entity(s.partner, "partner", HI), ("के", "w")]
        words.append(("लिए" if s.benefits else "साथ", "w"))
    if not s.number:
        words.append(("एक", "i"))
    gender = s.noun.gender[HI]
    words += thing_words(s, HI, gender)
    verb = perfective(s.verb.forms[HI], gender + "p" if s.number else gender)
    return words + words_of(verb, "v")


def chinese(s: Statement) -> list[Word]:
    """Time, place and partner stand before the verb; a measure word before the noun."""
    time = time_words(s, ZH, "", "", "")
    front: list[Word] = []
    if s.reporter:
        reporter = entity(s.reporter, "reporter", ZH)
        if s.report:
            front = [*reporter, (s.report[ZH], "r"), COMMA]
        else:
            front = [("据", "x"), *reporter, ("称", "x"), COMMA]
    elif s.time_first:
        front, time = [*time, COMMA], []
    words = [*front, *subject_words(s, ZH), *time]
    if s.place:
        words += [("在", "l"), (spell(s.place, ZH), "E")]
    if s.partner:
        partner = entity(s.partner, "partner", ZH)
        words += [("为", "w"), *partner] if s.benefits else [("与", "w"), *partner, ("一起", "w")]
    words.append((s.verb.forms[ZH], "v"))
    measure = s.noun.gender[ZH]
    if not s.number:
        words.append((f"一{measure}", "i"))
        return words + thing_words(s, ZH, "")
    number, *thing = thing_words(s, ZH, "")
    return [*words, number, (measure, ""), *thing]


GRAMMARS: dict[str, Callable[[Statement], list[Word]]] = {
    "de": german,
    "es": spanish,
    "ru": russian,
    "hi": hindi,
    "zh": chinese,
}
