"""Sides of pairs, from words instead of texts."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from clism_ray.corpus.sides import Side


def of_words(texts: Sequence[Sequence[str]]) -> Side:
    """Texts that consist of these words, with spaces between them."""
    words = [word for text in texts for word in text]
    ends = [list(accumulate((len(word) + 1 for word in text), initial=0)) for text in texts]
    starts = [start for of_text in ends for start in of_text[:-1]]
    return Side(
        texts=[" ".join(text) for text in texts],
        first_P1=np.array([*accumulate(map(len, texts), initial=0)], np.int64),
        start_W=np.array(starts, np.int64),
        end_W=np.array(starts, np.int64) + np.array([*map(len, words)], np.int64),
        words_W=words,
    )
