"""Word links in arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.links import links_of, places_of_links
from clism_ray.corpus.translations import Link
from clism_ray.errors import Unavailable
from tests.sides import of_words


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, int, dict[Link, float] | None]:
    """How many words the sides have, and the trust in their links."""
    words, others = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    places = [(i, j) for i in range(words) for j in range(others)]
    trust = st.dictionaries(st.sampled_from(places), st.floats(0, 1)) if places else st.just({})
    return words, others, draw(st.none() | trust)


@given(st.lists(pairs()))
def test_links_of_many_pairs_come_apart_again(
    drawn: list[tuple[int, int, dict[Link, float] | None]],
) -> None:
    source, target = (
        of_words([["x"] * n for n, *_ in drawn]),
        of_words([["y"] * n for _, n, _ in drawn]),
    )
    links = links_of([trust for *_, trust in drawn], source, target)
    assert links.unread == {n for n, (*_, trust) in enumerate(drawn) if trust is None}
    assert links.by_pair(source, target) == [trust or {} for *_, trust in drawn]
    sure = links.where(links.trust_L > 0.5)
    both = sure.and_others(links.where(links.trust_L <= 0.5)._replace(unread=frozenset({99})))
    assert both.by_pair(source, target) == links.by_pair(source, target)
    assert (sure.unread, both.unread) == (links.unread, links.unread | {99})


@given(st.lists(pairs(), min_size=1), st.data())
def test_links_of_some_pairs_are_theirs(
    drawn: list[tuple[int, int, dict[Link, float] | None]], data: st.DataObject
) -> None:
    source, target = (of_words([["x"] * pair[side] for pair in drawn]) for side in (0, 1))
    some = sorted(data.draw(st.sets(st.integers(0, len(drawn) - 1))))
    links = links_of([drawn[n][2] for n in some], source, target, np.array(some, np.int64))
    expected = [trust if n in some else None for n, (*_, trust) in enumerate(drawn)]
    assert links.by_pair(source, target) == [trust or {} for trust in expected]
    assert links.unread == {n for n in some if drawn[n][2] is None}


@pytest.mark.parametrize(
    ("links", "complaint"),
    [
        ([[(0, 0)]], "links of 2 pairs; got those of 1"),
        ([[], [], []], "links of 2 pairs; got those of 3"),
        ([[(0, 2)], []], "ties a word that its sentence does not have"),
        ([[], [(1, 0)]], "ties a word that its sentence does not have"),
        ([[(-1, 0)], []], "ties a word that its sentence does not have"),
    ],
)
def test_an_aligner_that_answers_something_else_is_not_believed(
    links: list[list[Link]], complaint: str
) -> None:
    source, target = of_words([["a"], ["b"]]), of_words([["c", "d"], ["e"]])
    with pytest.raises(Unavailable, match=complaint):
        places_of_links(links, source, target, np.arange(2))
    with pytest.raises(Unavailable, match=complaint):
        links_of([dict.fromkeys(each, 1.0) for each in links], source, target)
