"""Files of tagged words: the four formats, and everything that may be wrong with one."""

import gzip
from pathlib import Path

import pytest

from clism_ray.errors import InputError
from clism_ray.tasks.ner_sentences import (
    EMPTY,
    INVISIBLE,
    STRAY_INSIDE,
    Format,
    Reading,
    read_sentences,
)
from clism_ray.tasks.ner_tags import Scheme

CONLL_2002 = "Melbourne B-LOC\n( O\nAustralia B-LOC\n) O\n\nEFE B-ORG\n. O\n"
CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP I-ORG
rejects VBZ B-VP O
German JJ B-NP I-MISC

Peter NNP B-NP I-PER
Blackburn NNP I-NP I-PER
"""
WIKIANN = "en:Lake\tB-LOC\nen:Erie\tI-LOC\nen::\tO\n\nen:Oslo\tB-LOC\n\n"
UNER = """# newdoc id = a
# sent_id = a-1
# text = "Al Gore #1"
1\tAl\tB-PER\t-\tnn
2\tGore\tI-PER\t-\tnn
3\t#1\tO\t-\t-

# sent_id = a-2
1\tHe\tO\t-\t-
"""


def read(folder: Path, text: str | bytes, format: Format, scheme: Scheme | None = None) -> Reading:
    path = folder / "f.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_sentences(path, format, scheme)


def contents(reading: Reading) -> list[tuple[str, str]]:
    return [(" ".join(s.words), " ".join(s.tags)) for s in reading.sentences]


def test_conll_2002_is_read(tmp_path: Path) -> None:
    reading = read(tmp_path, CONLL_2002, "conll2002")
    assert contents(reading) == [
        ("Melbourne ( Australia )", "B-LOC O B-LOC O"),
        ("EFE .", "B-ORG O"),
    ]
    assert [sentence.id for sentence in reading.sentences] == ["f.txt:1", "f.txt:6"]
    assert reading.counts == {}


def test_dutch_conll_2002_has_parts_of_speech_and_documents_without_empty_lines(
    tmp_path: Path,
) -> None:
    text = "De Art O\n-DOCSTART- -DOCSTART- O\nJan N B-PER\n"
    assert contents(read(tmp_path, text, "conll2002")) == [("De", "O"), ("Jan", "B-PER")]


def test_conll_2003_becomes_iob2_and_its_documents_no_sentences(tmp_path: Path) -> None:
    reading = read(tmp_path, CONLL_2003, "conll2003")
    assert reading.scheme == "iob1"
    assert contents(reading) == [
        ("EU rejects German", "B-ORG O B-MISC"),
        ("Peter Blackburn", "B-PER I-PER"),
    ]


def test_conll_of_any_year_is_read_by_one_name(tmp_path: Path) -> None:
    for text, year in ((CONLL_2002, "conll2002"), (CONLL_2003, "conll2003")):
        assert contents(read(tmp_path, text, "conll")) == contents(read(tmp_path, text, year))


def test_wikiann_words_may_be_colons(tmp_path: Path) -> None:
    reading = read(tmp_path, WIKIANN, "wikiann")
    assert contents(reading) == [("Lake Erie :", "B-LOC I-LOC O"), ("Oslo", "B-LOC")]


def test_universal_ner_keeps_ids_and_words_that_begin_with_a_number_sign(tmp_path: Path) -> None:
    reading = read(tmp_path, UNER, "uner")
    assert [(s.id, s.words) for s in reading.sentences] == [
        ("a-1", ("Al", "Gore", "#1")),
        ("a-2", ("He",)),
    ]
    assert reading.sentences[0].entities == [(0, 1, "PER")]


def test_gzip_byte_order_mark_and_carriage_returns_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f.txt.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + CONLL_2002.replace("\n", "\r\n").encode()))
    plain = read(tmp_path, CONLL_2002, "conll2002")
    assert contents(read_sentences(path, "conll2002")) == contents(plain)


def test_a_no_break_space_is_part_of_its_word(tmp_path: Path) -> None:
    reading = read(tmp_path, "10\u00a0000 O\n", "conll2002")
    assert reading.sentences[0].words == ("10\u00a0000",)


def test_words_nobody_sees_stay_and_are_counted(tmp_path: Path) -> None:
    reading = read(tmp_path, "ar:\u200f\tO\nar:\tO\nar:a\tO\n", "wikiann")
    assert reading.sentences[0].words == ("\u200f", "", "a")
    assert reading.counts == {INVISIBLE: 1, EMPTY: 1}


def test_repairs_are_counted_where_the_scheme_is_declared(tmp_path: Path) -> None:
    text = "a I-PER\nb B-PER\n"
    reading = read(tmp_path, text, "conll2002", "iob2")
    assert contents(reading) == [("a b", "B-PER B-PER")]
    assert reading.counts == {STRAY_INSIDE: 1}
    assert read(tmp_path, text, "conll2002").scheme == "iob1"
    assert read(tmp_path, text, "conll2002").counts == {}


@pytest.mark.parametrize(
    ("format", "text", "complaint"),
    [
        ("conll2002", "", "no sentence in it; expected one word a line, format conll2002"),
        ("conll2002", "\n \n\n", "no sentence in it"),
        ("conll2002", "a O\n\nb\n", "line 3: 1 columns between spaces, 2 in the file's first line"),
        ("conll2002", "a N O\nb O\n", "line 2: 2 columns between spaces, 3 in the file's"),
        ("conll2003", "a O\n", "line 1: 2 columns .* format conll2003 has 4 to 5"),
        ("wikiann", "en:a O\n", "line 1: 1 columns between tabs"),
        ("wikiann", "a\tO\n", "line 1: 'a' has no language before it"),
        ("wikiann", "en:a\tO\n\t\n", "line 2: '' has no language before it"),
        ("uner", "1\ta\tO\t-\t-\n3\tb\tO\t-\t-\n", "line 2: index '3' for word 2"),
        ("uner", "1-2\ta\tO\t-\t-\n", "line 1: index '1-2' for word 1"),
        ("conll2002", "a o\n", "line 1: 'o' is no tag"),
        ("conll2002", "a B-\n", "line 1: 'B-' is no tag"),
        ("conll2002", "a PER\n", "line 1: 'PER' is no tag"),
        ("conll2002", "a O\nb U-PER\n", "line 2: 'U-PER' is no tag"),
        ("conll2002", "a I-PER\n\nb B-PER\n", "mixed tag schemes: line 1 .* line 3"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, format: Format, text: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=rf"f\.txt(, |: ){complaint}"):
        read(tmp_path, text, format)


def test_other_encodings_and_missing_or_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: no UTF-8 .* iconv"):
        read(tmp_path, "a O\nEspa\u00f1a B-LOC\n".encode("latin-1"), "conll2002")
    with pytest.raises(InputError, match="no such file"):
        read_sentences(tmp_path / "none", "uner")
    damaged = tmp_path / "f.gz"
    damaged.write_bytes(gzip.compress(CONLL_2002.encode())[:-9])
    with pytest.raises(InputError, match="damaged"):
        read_sentences(damaged, "conll2002")


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("conll2003", CONLL_2003 + "\n" + CONLL_2003.partition("\n\n")[0] + "\n\nEnd NN O O\n"),
        ("uner", UNER + "\n# newdoc id = b\n# sent_id = b-1\n1\tShe\tO\t-\t-\n"),
    ],
)
def test_sentences_know_their_document_where_a_file_tells_of_several(
    format: Format, text: str, tmp_path: Path
) -> None:
    first, second, third = (one.document for one in read(tmp_path, text, format).sentences)
    assert first is not None
    assert (second, third) == (first, first + 1)


@pytest.mark.parametrize(("format", "text"), [("conll2003", CONLL_2003), ("wikiann", WIKIANN)])
def test_one_document_is_none(format: Format, text: str, tmp_path: Path) -> None:
    assert {one.document for one in read(tmp_path, text, format).sentences} == {None}
