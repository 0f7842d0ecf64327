"""Examples as lines for a terminal."""

import io

import pytest
from rich.console import Console

from clism_ray.corpus.choice import Pointed
from clism_ray.records import AlignedPair, Origin, SpanPair
from clism_ray.report.preview import lines, show

ARABIC = "زار توم [القاهرة] أمس"


def example(source: str, target: str, span: str, answer: str, language: str = "de") -> Pointed:
    starts = source.index(span), target.index(answer)
    found = SpanPair(
        starts[0], starts[0] + len(span), starts[1], starts[1] + len(answer), "name", 0.934
    )
    pair = AlignedPair(7, Origin("news", "a.tsv", 12), "en", language, source, target, (found,))
    return Pointed(pair, found)


ROME = example("He left Rome.", "Er verließ Rom.", "Rome", "Rom")
CAIRO = example("Tom saw Cairo.", "زار توم القاهرة أمس.", "Cairo", "القاهرة", "ar")


def printed(given: list[Pointed], **settings) -> str:
    file = io.StringIO()
    show(given, Console(file=file, **settings))
    return file.getvalue()


def test_an_example_shows_origin_masked_source_span_and_marked_target() -> None:
    assert [line.plain for line in lines([ROME])] == [
        "en-de · name · score 0.93 · news a.tsv:12",
        "  source  He left [QUE].",
        "  span    Rome",
        "  target  Er verließ [Rom].",
        "",
    ]


def test_colours_tell_question_answer_and_label_apart() -> None:
    heading, source, _, target, _ = lines([ROME])
    styled = {
        line.plain[span.start : span.end]: str(span.style)
        for line in (heading, source, target)
        for span in line.spans
    }
    marked = [styled[text] for text in ("name", "[QUE]", "[Rom]")]
    assert len({*marked}) == 3


def test_right_to_left_texts_are_isolated_and_others_are_not() -> None:
    _, source, span, target, _ = (line.plain for line in lines([CAIRO]))
    assert target == "  target  \u2067زار توم [القاهرة] أمس.\u2069"
    assert (source, span) == ("  source  Tom saw [QUE].", "  span    Cairo")
    mixed = example("Rome", "Tom زار Rome", "Rome", "Rome", "ar")
    assert [line.plain for line in lines([mixed])][3] == "  target  \u2066Tom زار [Rome]\u2069"


def test_the_question_does_not_turn_the_direction_of_a_source() -> None:
    turned = example("القاهرة كبيرة", "Cairo is big", "القاهرة", "Cairo", "en")
    assert [line.plain for line in lines([turned])][1] == "  source  \u2067[QUE] كبيرة\u2069"


@pytest.mark.parametrize("given", [ROME, CAIRO])
def test_long_texts_are_broken_to_the_width_and_every_line_is_isolated(given: Pointed) -> None:
    pair = given.pair
    long = given._replace(
        pair=AlignedPair(
            7,
            pair.origin,
            "en",
            pair.target_language,
            pair.source,
            " ".join([pair.target] * 9),
            pair.spans,
        )
    )
    broken = [line.plain for line in lines([long], width=50)][3:-1]
    assert len(broken) > 3
    assert all(len(line) <= 52 for line in broken)
    assert all(line.startswith(" " * 10) for line in broken[1:])
    right_to_left = pair.target_language == "ar"
    assert all(("\u2067" in line and "\u2069" in line) is right_to_left for line in broken)
    words = "".join(broken).replace("target", "").translate({0x2067: None, 0x2069: None}).split()
    first, answer, last = long.target
    assert words == f"{first}[{answer}]{last}".split()


def test_a_terminal_gets_colours_and_a_pipe_plain_text() -> None:
    assert "\x1b[" in printed([ROME], force_terminal=True, color_system="256")
    plain = printed([ROME], force_terminal=False)
    assert plain == "".join(f"{line.plain}\n" for line in lines([ROME]))


def test_no_color_means_plain_text_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    said = printed([CAIRO], force_terminal=True, width=200)
    assert "\x1b" not in said
    assert "[القاهرة]" in said


def test_texts_that_look_like_markup_or_terminal_codes_stay_text() -> None:
    hostile = example("[red]Rome[/red] \x1b[31m", "[bold]Rom\x1b]0;x\x07", "Rome", "Rom")
    said = printed([hostile], force_terminal=True, color_system=None, width=200)
    assert "[red][QUE][/red]" in said
    assert "[bold][Rom]" in said
    assert "\x1b" not in said
