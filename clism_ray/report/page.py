"""A page that needs no other file: text, tables and figures, in light and in dark, on any width."""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NewType

from clism_ray.errors import InputError

Html = NewType("Html", str)  # everything else is text, and escaped

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #5c5c5c; --paper: #fff; --line: #ddd;
        --tint: #fff3e0; --mark: #ffdf7e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --soft: #a8a8a8; --paper: #16181b; --line: #3a3d42; --tint: #3a2c16;
          --mark: #6b5210 }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.2 } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal }
th, td { padding: .3rem .75rem; text-align: start; border-bottom: 1px solid var(--line);
         vertical-align: top; white-space: nowrap }
td.number, th.number { text-align: right }
td.long { white-space: normal; min-width: 16rem }
tr.marked { background: var(--tint); font-weight: 600 }
figure { margin: 1rem 0; padding: .75rem; background: #fff; color: #444; border-radius: .5rem;
         border: 1px solid var(--line); box-sizing: border-box }
figure svg { display: block; max-width: 100%; min-width: 32rem; height: auto; margin: auto }
figcaption { font-size: .9rem; margin-top: .5rem }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem }
details { margin: .6rem 0 } summary { cursor: pointer } details details { margin-left: 1rem }
.cards { display: grid; gap: .75rem;
         grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)) }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; min-width: 0 }
article p { margin: .35rem 0 }
mark { background: var(--mark); color: inherit; border-radius: .2rem; padding: 0 .15rem }
.soft { color: var(--soft) }
"""
# The browser itself then refuses whatever a page would fetch or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

Cell = str | int | float | None
_LONG = 60  # letters, from which on a cell is broken into lines


def page(title: str, parts: Iterable[Html]) -> str:
    """The whole page under a heading."""
    heading = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{heading}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def section(title: str, *parts: Html) -> Html:
    """A heading and what stands under it."""
    body = "\n".join(parts)
    return Html(f"<section>\n<h2>{html.escape(title)}</h2>\n{body}\n</section>")


def folded(title: str, *parts: Html) -> Html:
    """Parts that a click on the title opens."""
    body = "\n".join(parts)
    return Html(f"<details>\n<summary>{html.escape(title)}</summary>\n{body}\n</details>")


def paragraph(text: str, *, soft: bool = False) -> Html:
    """A paragraph of text; a soft one is an aside."""
    return Html(f"<p{_class('soft' if soft else '')}>{html.escape(text)}</p>")


def command(text: str) -> Html:
    """A command to copy."""
    return Html(f"<pre><code>{html.escape(text)}</code></pre>")


def figure(svg: str, caption: str) -> Html:
    """A figure on white, as it was drawn."""
    drawing, text = f'<div class="scroll">{svg}</div>', html.escape(caption)
    return Html(f"<figure>\n{drawing}\n<figcaption>{text}</figcaption>\n</figure>")


def passage(before: str, marked: str = "", after: str = "", language: str = "") -> Html:
    """A text in any language, in its own direction, with its middle marked."""
    middle = f"<mark>{html.escape(marked)}</mark>" if marked else ""
    of = f' lang="{html.escape(language)}"' if language else ""
    return Html(f'<p dir="auto"{of}>{html.escape(before)}{middle}{html.escape(after)}</p>')


def cards(contents: Iterable[Iterable[Html]]) -> Html:
    """Boxes side by side, as many as there is room for."""
    boxes = "\n".join(f"<article>{''.join(parts)}</article>" for parts in contents)
    return Html(f'<div class="cards">\n{boxes}\n</div>')


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], marked: int | None = None) -> Html:
    """A table that scrolls sideways where it is too wide; one row may be marked.

    Numbers stand to the right, None is an empty cell; texts run in their own direction.
    """
    numeric = [
        any(isinstance(row[i], int | float) for row in rows)
        and not any(isinstance(row[i], str) for row in rows)
        for i in range(len(head))
    ]
    lines = ["".join(_cell(text, "th", n) for text, n in zip(head, numeric, strict=True))]
    lines += ["".join(_cell(c, "td", n) for c, n in zip(row, numeric, strict=True)) for row in rows]
    body = "\n".join(
        f"<tr{_class('marked' if number - 1 == marked else '')}>{line}</tr>"
        for number, line in enumerate(lines)
    )
    return Html(f'<div class="scroll"><table>\n{body}\n</table></div>')


def written(value: Cell) -> str:
    """A value as people read it: four digits of a fraction, thousands apart, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value


def file_name(names: Sequence[str]) -> str:
    """What a page of these runs or this sweep is called on disk."""
    return re.sub(r"[^\w.-]", "_", "-and-".join(names))[:120] + ".html"


def save(path: Path, text: str) -> Path:
    """Write a page or a figure; its folder is made. Raises InputError where that is not allowed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot write {path} ({error.strerror}); give another file with --output"
        ) from error
    return path


def _cell(value: Cell, tag: str, numeric: bool) -> str:
    text = written(value)
    kind = "number" if numeric else "long" if len(text) > _LONG else ""
    direction = "" if text.isascii() else ' dir="auto"'
    return f"<{tag}{_class(kind)}{direction}>{html.escape(text)}</{tag}>"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
