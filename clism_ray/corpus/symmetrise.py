"""One set of word links out of those of both directions."""

from collections.abc import Collection

from clism_ray.corpus.translations import Link

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def grow_diag_final_and(forward: Collection[Link], backward: Collection[Link]) -> set[Link]:
    """Koehn, Och and Marcu 2003; "final-and" as in Koehn et al. 2005.

    The links of both directions; then neighbours of links, of either direction, of which one
    word has no link yet; at last links of either direction of which neither word has one.
    """
    either = set(forward).union(backward)
    links = set(forward).intersection(backward)
    sources, targets = {i for i, _ in links}, {j for _, j in links}
    waiting = sorted(links, reverse=True)
    while waiting:
        i, j = waiting.pop()
        for down, right in _NEIGHBOURS:
            link = i + down, j + right
            if link in either and (link[0] not in sources or link[1] not in targets):
                links.add(link)
                sources.add(link[0])
                targets.add(link[1])
                either.discard(link)
                waiting.append(link)
    for direction in (forward, backward):
        for i, j in sorted(direction):
            if i not in sources and j not in targets:
                links.add((i, j))
                sources.add(i)
                targets.add(j)
    return links
