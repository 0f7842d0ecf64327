"""The words of many texts in arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.sides import Side, side
from clism_ray.corpus.words import LATIN, surfaces, words

TEXTS = (
    st.text()
    | st.text(st.sampled_from("AÄz9.,: _½²\x1c\x85\xa0”"))
    | st.text(st.sampled_from(LATIN))
    | st.text(st.sampled_from("AB1.,: z中мр\u0301"))
)


@given(st.lists(TEXTS))
def test_words_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    found = side(texts)
    assert found.offsets() == [words(text) for text in texts]
    assert found.words() == [surfaces(text) for text in texts]


@pytest.mark.parametrize("before", ["", "a", "1.", "A.", "A.B.", "5m", "\n"])
def test_every_latin_character_is_cut_as_in_a_text_alone(before: str) -> None:
    texts = [f"{before}{character}1.{character}.a" for character in LATIN]
    assert side(texts).offsets() == [words(text) for text in texts]
    together = "\n".join(texts)
    assert side([together]).offsets() == [words(together)]


@given(st.lists(TEXTS, min_size=1), st.data())
def test_the_side_of_some_pairs_is_that_of_their_texts(
    texts: list[str], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1)))
    assert everything(side(texts).take(np.array(chosen, np.int64))) == everything(
        side([texts[n] for n in chosen])
    )


def everything(found: Side) -> tuple[list[object], ...]:
    arrays = found.first_P1, found.text_W, found.start_W, found.end_W
    return (list(found.texts), found.words_W, *(array.tolist() for array in arrays))
