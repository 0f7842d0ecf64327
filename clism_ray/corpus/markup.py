"""Markup in text: tags, character entities, and the placeholders of software.

A placeholder (`{0}`, `%s`, `%(name)s`, `${path}`, an entity that no standard defines) stands for
a word that is filled in later, and both sides of a pair have it: taking markup out leaves it.
"""

import re
from html import unescape
from html.entities import html5

_NAME = r"[A-Za-z][\w:.-]*"
_VALUE = r"""(?:"[^"<]*"|'[^'<]*'|[^\s"'<>=]+)"""
_TAG = re.compile(
    rf"</?({_NAME})(?:\s+[\w:@.-]+\s*=\s*{_VALUE})*\s*/?>"
    r"|<!--.{0,1000}?-->|<!\[CDATA\[|\]\]>|<[!?][A-Za-z][^<>]*>",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:[A-Za-z][\w.-]{1,40}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});", re.ASCII)
_PLACEHOLDER = re.compile(
    r"\$?\{\{?\s*(?:[\w$.:!-]+\s*)?\}?\}"  # {} {0} {name:.2f} { $count } ${path} {{ user }}
    r"|\{%[^{}%]*%\}"  # of templates
    r"|%\([A-Za-z_]\w*\)[#0+-]*\d*(?:\.\d+)?[A-Za-z]"  # %(name)s
    r"|(?<![\d%])(?<!\d )%[#0+-]*\d?(?:\.\d+)?(?:hh?|ll?|[zjt])?[sSdiufgxc@](?![A-Za-z])"  # %s
    r"|(?<![\w%])%\d+(?:\$[#0+-]*\d*(?:\.\d+)?[A-Za-z@])?(?!\w)",  # %1 %1$s
    re.ASCII,
)
_BREAKING = frozenset(  # tags that end a word; the others may stand inside of one
    "address article aside blockquote br caption dd div dl dt figcaption footer h1 h2 h3 h4 h5 h6 "
    "header hr img input li nav ol option p para pre section table td th title tr ul".split()
)


def has_markup(text: str) -> bool:
    """Whether a text has a tag, an entity or a placeholder."""
    return any(pattern.search(text) for pattern in (_TAG, _ENTITY, _PLACEHOLDER))


def without_markup(text: str) -> str:
    """The text that markup shows: no tags, characters for their entities, placeholders as before.

    Entities are resolved once, after the tags: what they spell is text, even if it is `<b>`.
    """
    if "<" in text or "]]>" in text:
        text = _TAG.sub(_space, text)
    return _ENTITY.sub(_character, text) if "&" in text else text


def prose(text: str) -> str:
    """The text without placeholders as well: what tells its language."""
    return _PLACEHOLDER.sub(" ", _ENTITY.sub(" ", without_markup(text)))


def _space(tag: re.Match[str]) -> str:
    return " " if tag[1] and tag[1].lower() in _BREAKING else ""


def _character(entity: re.Match[str]) -> str:
    named = entity[0][1:] in html5 or entity[0].startswith("&#")
    return unescape(entity[0]) if named else entity[0]
