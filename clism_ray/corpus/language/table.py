"""Tables of words: a row is a word, a column a language, an underscore a space within a form."""

LANGUAGES = ("en", "de", "es", "ru", "hi", "zh")
EN, DE, ES, RU, HI, ZH = range(6)

Forms = tuple[str, ...]  # one per language, in the order of LANGUAGES


def rows(table: str) -> list[list[Forms]]:
    """The cells of a table, each a tuple of forms."""
    return [
        [tuple(word.replace("_", " ") for word in cell.split()) for cell in line.split("|")]
        for line in table.strip().splitlines()
    ]


def words(table: str) -> tuple[Forms, ...]:
    """A table of one form per cell, as forms per row."""
    return tuple(tuple(cell[0] for cell in row) for row in rows(table))
