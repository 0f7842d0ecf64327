"""Word links in arrays."""

from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.links import links_of
from clism_ray.corpus.translations import Link
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
    both = sure.and_others(links.where(links.trust_L <= 0.5))
    assert both.by_pair(source, target) == links.by_pair(source, target)
    assert (sure.unread, both.unread) == (links.unread, links.unread)
