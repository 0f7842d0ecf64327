"""Markup: what it is and is not, and the text that is left without it."""

import html

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clism_ray.corpus.markup import has_markup, prose, without_markup


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('Open <gui style="button">Mouse &amp; Touchpad</gui>.', "Open Mouse & Touchpad."),
        ("One<br/>two<br />three", "One two three"),
        ("<p>H<sub>2</sub>O</p><p>Gas</p>", " H2O  Gas "),
        ("CO&#8322; &#x2026; &hellip; &shy;", "CO₂ … … \xad"),
        ("<a href='%1$s' data-x=1>Hi</a>, ${user}", "Hi, ${user}"),
        ("<!-- a note --><![CDATA[Save]]>", "Save"),
        ('<?xml version="1.0"?><!DOCTYPE html>Text', "Text"),
        ("Type &lt;b&gt; for &amp;lt;", "Type <b> for &lt;"),
        ("Restart &brandShortName; now", "Restart &brandShortName; now"),
        ("{0} of {n, number} at %s (%(name)s)", "{0} of {n, number} at %s (%(name)s)"),
    ],
)
def test_tags_go_entities_are_resolved_and_placeholders_stay(text: str, shown: str) -> None:
    assert has_markup(text)
    assert without_markup(text) == shown


@pytest.mark.parametrize(
    "placeholder",
    [
        *("{}", "{0}", "{name:.2f}", "{{ user.name }}", "{ $count }", "{ -brand-name }", "${path}"),
        *(
            "{% trans %}",
            "%s",
            "%S",
            "%d",
            "%1$s",
            "%1$.2f",
            "%(name)s",
            "%5.1f",
            "%02d",
            "%ld",
            "%@",
            "%1",
        ),
        *("&accel;", "&brand.name;"),
    ],
)
def test_placeholders_are_markup_that_stays(placeholder: str) -> None:
    for text in (placeholder, f"Open “{placeholder}”.", f"保存{placeholder}。"):
        assert has_markup(text)
        assert without_markup(text) == text
        assert prose(text) == text.replace(placeholder, " ")


@pytest.mark.parametrize(
    "text",
    [
        "It fell by 6 %zu verringern, 50% sure, 100 % der Fälle, 5%-10%",
        "a < b and b > c; 1<2>3; <3; <-- here -->; <name@example.org>; <https://example.org>",
        "AT&T; R&D; Marks & Spencer; fish & chips; Q&A",
        "https://example.org/a%3Db%2Fc%20d?x={y z}",
        "{a set of words}, {1, 2, 3}, $5 and $HOME",
    ],
)
def test_prose_and_addresses_are_no_markup(text: str) -> None:
    assert not has_markup(text)
    assert without_markup(text) == text


@given(st.text())
@example("<b>&lt;")
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert without_markup(f"<b>{html.escape(text)}</b>") == text


@given(st.text(alphabet="<>&;a =\"'/!-[]{}%$s1#x"))
def test_nothing_is_added_but_spaces_and_what_was_spelled(text: str) -> None:
    if not has_markup(text):
        assert without_markup(text) == text
    assert len(without_markup(text)) <= len(text)


def test_a_long_line_of_halves_takes_no_long_time() -> None:
    for half in ("<a ", "<a b=", "<!--", "{", "{{ ", "%(", "&a", "<![", "<a b='", "%1"):
        for line in (half * 4_000, half + " " * 20_000, half + "a" * 20_000):
            without_markup(line)
            prose(line)
