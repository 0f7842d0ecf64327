"""Control characters as their pictures: a page would lose them, a terminal obey them."""

_PICTURES = {code: 0x2400 + code for code in range(32)} | {127: 0x2421}


def visible(text: str) -> str:
    """The text with "␀" for NUL, and so on for all of C0."""
    return text.translate(_PICTURES)
