"""The parts of a sentence: names, numbers, dates, the object; each as words with concepts."""

from functools import cache

from clism_ray.corpus.language.names import Organisation, Person, spell_organisation, spell_person
from clism_ray.corpus.language.numerals import MONTHS
from clism_ray.corpus.language.statement import Count, Date, Statement
from clism_ray.corpus.language.table import DE, EN, ES, HI, RU, ZH

Word = tuple[str, str]  # text, and its concepts, one letter each; capitals belong to spans
COMMA: Word = (",", "")

# role of a span -> its concepts: name and kind of an organisation; day, month and year of a date
ROLES = {
    "subject": "AB",
    "partner": "CD",
    "place": "E",
    "time": "FGH",
    "reporter": "IJ",
    "number": "K",
}


def words_of(text: str, concepts: str) -> list[Word]:
    """Every word of a text, all with the same concepts."""
    return [(word, concepts) for word in text.split(" ")]


def entity(who: Person | Organisation, role: str, column: int, case: str = "") -> list[Word]:
    """The words of a span of this role; `case` is that of `spell_organisation`."""
    concepts = ROLES[role]
    first, second = concepts[0], concepts[-1]
    if isinstance(who, Person):
        texts = spell_person(who, column)
        if len(texts) == 1:
            return [(texts[0], concepts)]
        return [(texts[0], first), (texts[1], second)]
    expressed = _expressed(who.kind.forms[column], column)
    texts = spell_organisation(who, column, case)
    return [
        (text, concepts if what == "both" else first if what == "name" else second)
        for text, what in zip(texts, expressed, strict=True)
    ]


@cache
def _expressed(form: str, column: int) -> tuple[str, ...]:
    """Of each word of an organisation: whether it says the name (with its "of"), the kind, both."""
    if column == RU:
        return ("kind", "name")
    return tuple(
        "name" if word in ("{}", "of", "de") else "both" if "{}" in word else "kind"
        for word in form.split(" ")
    )


def with_article(
    who: Person | Organisation, role: str, column: int, article: str, concept: str
) -> list[Word]:
    """An entity, and before an organisation its article."""
    words = entity(who, role, column)
    return words if isinstance(who, Person) else [(article, concept), *words]


def subject_words(s: Statement, column: int, of_title: str = "", of_name: str = "") -> list[Word]:
    """The subject with its title, and the article of either where the language has one."""
    words = entity(s.subject, "subject", column)
    if isinstance(s.subject, Organisation):
        return [(of_name, "d"), *words] if of_name else words
    if s.title is None:
        return words
    title = s.title.f if s.subject.given.gender == "f" else s.title.m
    words = words_of(title[column], "t") + words
    return [(of_title, "d"), *words] if of_title else words


def thing_words(s: Statement, column: int, gender: str) -> list[Word]:
    """The object after its article: number, adjective, noun; in Spanish the noun comes first."""
    words = words_of((s.noun.plural if s.number else s.noun.singular)[column], "n")
    if s.adjective:
        form = gender + "p" if s.number and gender else gender or ("m" if column == EN else "")
        adjective = [(s.adjective.forms[column][form], "a")]
        words = words + adjective if column == ES else adjective + words
    if not s.number:
        return words
    number = words_of(count_text(s.number, column), "K")
    of = [("de", "")] if column == ES and s.number.millions else []
    return number + of + words


def count_text(count: Count, column: int) -> str:
    """A number as the language writes it."""
    value = count.value
    if count.numeral:
        return count.numeral[column]
    if count.millions:
        return _MILLIONS[column].format(value // 1_000_000, value // 100_000, value // 10_000)
    if column == ZH:
        return str(value) if value % 10_000 else f"{value // 10_000}万"
    if column == HI and value >= 100_000:
        return f"{value // 100_000},{value // 1000 % 100:02},{value % 1000:03}"
    if column in (ES, RU) and value < 10_000:
        return str(value)
    return f"{value:,}".replace(",", {DE: ".", ES: ".", RU: " "}.get(column, ","))


_MILLIONS = ("{0} million", "{0} Millionen", "{0} millones", "{0} миллионов", "{1} लाख", "{2}万")


def time_words(s: Statement, column: int, on: str, in_month: str, in_year: str) -> list[Word]:
    """The time with the language's preposition or postposition for days, months and years."""
    if s.adverb:
        return words_of(s.adverb[column], "y")
    if s.weekday:
        marker = russian_in(s.weekday[RU]) if column == RU else on
        words = [(s.weekday[column], "G")]
    elif s.date:
        words = date_words(s.date, column)
        marker = on if s.date.day else in_month if s.date.month else in_year
        if column == RU and s.date.day:
            marker = ""  # a bare genitive
    else:
        return []
    if not marker:
        return words
    return [*words, (marker, "p")] if column == HI else words_of(marker, "p") + words


def date_words(date: Date, column: int) -> list[Word]:
    """The date itself, without its preposition."""
    year, month, day = str(date.year), "", str(date.day)
    if date.month:
        month = MONTHS[date.month - 1][column]
    if column == ZH:
        parts = [(f"{year}年", "H"), (month, "G"), (f"{day}日", "F")]
        return parts[: 1 + bool(date.month) + bool(date.day)]
    words: list[Word] = []
    if date.day:
        words.append((f"{day}." if column == DE else day, "F"))
        words += [("de", "G")] if column == ES else []
    elif column == RU:
        month = month and month[:-1] + "е"  # from the genitive to the prepositional
    if month:
        words.append((month, "G"))
        words += [("de", "H")] if column == ES else []
    words.append((year, "H"))
    if column == RU:
        words.append(("года" if date.month else "году", "H"))
    return words


def russian_in(word: str) -> str:
    """The preposition "in" before this word: во before в or ф and a second consonant."""
    cluster = word[0] in "ВвФф" and word[1] not in "аеёиоуыэюя"
    return "во" if cluster else "в"


@cache
def perfective(verb: str, gender: str) -> str:
    """A Hindi perfective, given as masculine singular, in another gender and number."""
    if gender == "m":
        return verb
    ending = {"f": 0, "mp": 1, "fp": 2}[gender]
    for stem, forms in (
        ("किया", ("की", "किए", "कीं")),
        ("लिया", ("ली", "लिए", "लीं")),
        ("या", ("ई", "ए", "ईं")),
        ("ा", ("ी", "े", "ीं")),
    ):
        if verb.endswith(stem):
            return verb.removesuffix(stem) + forms[ending]
    raise ValueError(f"{verb!r} is no masculine perfective")
