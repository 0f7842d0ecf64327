"""Links of two directions made one."""

from hypothesis import given
from hypothesis import strategies as st

from clism_ray.corpus.symmetrise import grow_diag_final_and

LINKS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)))


def test_links_grow_to_neighbours_of_one_direction_with_a_word_that_has_none() -> None:
    forward, backward = {(0, 0), (1, 1), (1, 2)}, {(0, 0), (1, 1), (0, 1)}
    assert grow_diag_final_and(forward, backward) == {(0, 0), (1, 1), (1, 2)}


def test_links_far_from_others_need_two_words_without_a_link() -> None:
    forward, backward = {(0, 0), (3, 3), (0, 5)}, {(0, 0)}
    assert grow_diag_final_and(forward, backward) == {(0, 0), (3, 3)}


@given(LINKS, LINKS)
def test_links_lie_between_the_intersection_and_the_union(
    forward: set[tuple[int, int]], backward: set[tuple[int, int]]
) -> None:
    found = grow_diag_final_and(forward, backward)
    assert forward & backward <= found <= forward | backward
    words = [{i for i, _ in found}, {j for _, j in found}]
    for i, j in forward | backward:
        assert i in words[0] or j in words[1]  # final-and leaves no link between free words


@given(LINKS)
def test_directions_that_agree_are_left_alone(links: set[tuple[int, int]]) -> None:
    assert grow_diag_final_and(links, links) == links
