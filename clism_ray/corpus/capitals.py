"""Names and numbers of an English sentence, found by their form alone.

- A name is a run of capitalised words. "of" and "the" (and a few foreign particles) may stand
  inside, and so may a number at its end: "Bank of England", "Windows 10".
- The first word of a sentence is capitalised whatever it is. It counts if it has more capitals,
  if the corpus knows it as a name, or if a capitalised word follows and the corpus does not know
  it as a common word; see `Casing`.
- Elsewhere a word that the corpus knows as a common one counts beside a capitalised word only:
  "the Central Bank", but not "the Bank".
- A sentence of four or more content words, all of them capitalised, is a headline: no names.
- A number begins with a digit or is spelled out from "two" on; a scale or percent sign may
  follow ("5 million"), and a month joins numbers to a date ("12 March 2009").

Stop words and single letters are never names, except inside one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from clism_ray.corpus.stop_words import STOP_WORDS
from clism_ray.corpus.words import Offsets

NAME, NUMBER = "name", "number"

_PARTICLES = frozenset(
    "of the de del della di da do dos du la le van von der den bin al el".split()
)
_MONTHS = frozenset(
    "January February March April May June July August September October November December".split()
)
_NUMERALS = frozenset(
    """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
    """.split()
)
_SCALES = frozenset("hundred thousand million billion trillion percent %".split())
_TITLES = frozenset("Mr Mrs Ms Dr St Prof Gen Sen Rep Gov Jr Sr".split())
_AFTER_INITIALS = frozenset(".'’")  # "J. Smith", "O'Brien"
_JOINTS = frozenset("-'’&")  # within a name if no space stands around them
_SENTENCE_BREAKS = frozenset(".!?:;…\"“”«»()[]{}–—•*/|<>'‘’")  # a capital after them proves nothing
_HEADLINE_WORDS = 4


class Span(NamedTuple):
    """Source words `first` to `end` - 1, what they are, and how sure that is."""

    first: int
    end: int
    label: str
    confidence: float = 1.0  # 0 to 1; rules are sure


class Casing(NamedTuple):
    """How the corpus writes a (lower-cased) word where its sentence does not decide the case."""

    names: Collection[str]  # more often capitalised than not
    common: Collection[str]  # more often not


def casing(observed: Counter[tuple[str, bool]]) -> Casing:
    """Sorted names and common words, from counted `cases`."""
    seen = {word for word, _ in observed}
    excess = {word: observed[word, True] - observed[word, False] for word in seen}
    names = sorted(word for word, more in excess.items() if more > 0)
    return Casing(names, sorted(word for word, more in excess.items() if more < 0))


def cases(tokens: list[str]) -> Iterator[tuple[str, bool]]:
    """(lower-cased word, whether capitalised) of words whose case is not their sentence's."""
    if _is_headline(tokens):
        return
    for position, token in enumerate(tokens):
        if token[0].isalpha() and not _starts_sentence(tokens, position):
            yield token.lower(), token[0].isupper()


def names_and_numbers(tokens: list[str], offsets: list[Offsets], known: Casing) -> list[Span]:
    """Spans by the rule above, disjoint and in order; `offsets` are those of the tokens."""
    sentence = _Sentence(
        tokens,
        _kinds(tokens, known),
        [False, *(before[1] == after[0] for before, after in pairwise(offsets))],
    )
    return list(sentence.spans())


@dataclass(frozen=True, slots=True)
class _Sentence:
    tokens: list[str]
    kinds: list[str]  # of each token: NAME, NUMBER, or "" for neither
    glued: list[bool]  # whether no space stands before the token

    def spans(self) -> Iterator[Span]:
        position = 0
        while position < len(self.tokens):
            first, position = position, position + 1
            if self.kinds[first] == NUMBER or self.is_date(first):
                position = self.end_of_number(first)
                yield Span(first, position, NUMBER)
            elif self.kinds[first] == NAME:
                position = self.end_of_name(first)
                if position > first + 1 or len(self.tokens[first]) > 1:
                    yield Span(first, position, NAME)

    def end_of_name(self, first: int) -> int:
        end = first + 1
        while (following := self.next_of_name(end)) is not None:
            end = following + 1
        is_counted = self.kind(end) == NUMBER and not self.glued[end]
        if is_counted and not (self.is_month(end - 1) or self.is_month(end + 1)):
            end += 1  # "Windows 10", but not "Obama 12 March"
        return end

    def next_of_name(self, position: int) -> int | None:
        """The next capitalised word of the same name, if there is one."""
        if position >= len(self.tokens):
            return None
        if self.kinds[position] == NAME:
            return None if self.is_date(position) else position
        following = position + 1
        word, before = self.tokens[position], self.tokens[position - 1]
        if word in _JOINTS:
            joined = self.glued[position] and self.kind(following) == NAME and self.glued[following]
        elif word == ".":
            joined = self.glued[position] and (len(before) == 1 or before in _TITLES)
        else:
            joined = word in _PARTICLES
            while following < len(self.tokens) and self.tokens[following] in _PARTICLES:
                following += 1
        return following if joined and self.kind(following) == NAME else None

    def end_of_number(self, first: int) -> int:
        """The end of the number or date that begins at a number or month."""
        end = first + 1
        if not self.is_month(first):
            if end < len(self.tokens) and self.tokens[end] in _SCALES:
                return end + 1
            if not self.is_month(end):
                return end
            end += 1
        if self.kind(end) == NUMBER:  # "March 12", "March 2009"
            end += 1
        if (
            self.kind(end + 1) == NUMBER
            and self.tokens[end] == ","
            and _is_year(self.tokens[end + 1])
        ):
            end += 2  # "March 12, 2009"
        return end

    def kind(self, position: int) -> str:
        return self.kinds[position] if position < len(self.kinds) else ""

    def is_month(self, position: int) -> bool:
        return position < len(self.tokens) and self.tokens[position] in _MONTHS

    def is_date(self, position: int) -> bool:
        """Whether a month stands here with a number after it."""
        return self.is_month(position) and self.kind(position + 1) == NUMBER


def _kinds(tokens: list[str], known: Casing) -> list[str]:
    kinds = [""] * len(tokens)
    headline: bool | None = None
    for position, token in enumerate(tokens):
        if token[0].isdecimal() or token.lower() in _NUMERALS:
            kinds[position] = NUMBER
        elif token != token.lower():
            headline = _is_headline(tokens) if headline is None else headline
            if not headline and _is_name(tokens, position, known):
                kinds[position] = NAME
    return kinds


def _is_name(tokens: list[str], position: int, known: Casing) -> bool:
    token = tokens[position]
    if token[1:] != token[1:].lower():
        return True  # NATO, McDonald, iPhone, U.S.
    lowered = token.lower()
    if lowered in STOP_WORDS:
        return False
    if lowered in known.names or token in _TITLES:
        return True
    starts = _starts_sentence(tokens, position)
    after = _is_content(_beyond_particles(tokens, position, 1))
    before = not starts and _is_content(_beyond_particles(tokens, position, -1))
    if len(token) == 1:  # an initial, "Vitamin C"; but "O Lord"
        return before or _beyond_particles(tokens, position, 1) in _AFTER_INITIALS
    if lowered in known.common:
        return not starts and (before or after)
    return after or not starts


def _starts_sentence(tokens: list[str], position: int) -> bool:
    if position == 0:
        return True
    before = tokens[position - 1]
    if before in _AFTER_INITIALS and position > 1:
        initial = tokens[position - 2]
        return not (initial in _TITLES or (len(initial) == 1 and initial.isalpha()))
    return before in _SENTENCE_BREAKS


def _is_headline(tokens: Iterable[str]) -> bool:
    content = [t for t in tokens if t[0].isalpha() and t.lower() not in STOP_WORDS]
    return len(content) >= _HEADLINE_WORDS and all(t[0].isupper() for t in content)


def _beyond_particles(tokens: list[str], position: int, step: int) -> str:
    """The next word in a direction that is no particle; "" at the end of the sentence."""
    position += step
    while 0 <= position < len(tokens) and tokens[position] in _PARTICLES:
        position += step
    return tokens[position] if 0 <= position < len(tokens) else ""


def _is_content(token: str) -> bool:
    return token[:1].isupper() and token.lower() not in STOP_WORDS


def _is_year(token: str) -> bool:
    return len(token) == 4 and token.isdecimal()
