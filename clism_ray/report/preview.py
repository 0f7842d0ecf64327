"""Examples of a prepared corpus as lines for a terminal."""

import unicodedata
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from clism_ray.corpus.choice import Pointed
from clism_ray.report.visible import visible

_QUESTION = "[QUE]"
_NAMES = ("source", "span", "target")
_INDENT = 2 + max(map(len, _NAMES)) + 2
_RIGHT_TO_LEFT = ("R", "AL")
_TO_LEFT, _TO_RIGHT, _END = "\u2067", "\u2066", "\u2069"  # isolates and their end


def lines(examples: Iterable[Pointed], width: int | None = None) -> Iterator[Text]:
    """For each example where it is from, the source with `[QUE]` in place of the span, the span,
    the target with its answer in brackets, and an empty line.

    Texts are broken to lines of `width` cells, or not at all. Each line of a text with
    right-to-left letters is isolated, so that it reads in its own direction.
    """
    for example in examples:
        yield _heading(example)
        before, span, after = map(visible, example.source)
        masked = Text.assemble(before, (_QUESTION, "bold cyan"), after)
        yield from _passage("source", masked, _isolate(example.pair.source), width)
        yield from _passage("span", Text(span, "bold cyan"), _isolate(span), width)
        before, answer, after = map(visible, example.target)
        marked = Text.assemble(before, (f"[{answer}]", "bold black on yellow"), after)
        yield from _passage("target", marked, _isolate(example.pair.target), width)
        yield Text()


def show(examples: Iterable[Pointed], console: Console) -> None:
    """Print examples, in colours on a terminal that wants them, else as plain text."""
    plain = not console.is_terminal or console.no_color
    for line in lines(examples, None if not console.is_terminal else console.width):
        console.print(line.plain if plain else line, soft_wrap=True, markup=False, highlight=False)


def _heading(example: Pointed) -> Text:
    language, label, *rest = map(visible, example.described())
    return Text.assemble(
        (language, "bold"), " · ", (label, "magenta"), " · ", (" · ".join(rest), "dim")
    )


def _passage(name: str, text: Text, isolate: str, width: int | None) -> Iterator[Text]:
    broken = [text]
    if width is not None:
        broken = list(text.wrap(Console(width=width), max(20, width - _INDENT)))
    for number, line in enumerate(broken):
        line.rstrip()
        start = f"  {name}" if number == 0 else ""
        yield Text.assemble((start.ljust(_INDENT), "dim"), isolate, line, _END if isolate else "")


def _isolate(text: str) -> str:
    """What begins the isolate of a text; nothing for one that is left-to-right throughout."""
    directions = [unicodedata.bidirectional(letter) for letter in text]
    if not any(direction in _RIGHT_TO_LEFT for direction in directions):
        return ""
    first = next(direction for direction in directions if direction in (*_RIGHT_TO_LEFT, "L"))
    return _TO_RIGHT if first == "L" else _TO_LEFT
