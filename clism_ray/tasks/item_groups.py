"""What a resample draws together: items of one passage or document, in all languages that have it.

Questions about a passage are answered well or badly together, and so are sentences of a document.
Drawn one by one they would make intervals too narrow (Field and Welsh 2007, the cluster bootstrap).

Shapes: I items.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from clism_ray.errors import InputError

Ints = NDArray[np.int64]
Groups = Mapping[str, Ints]  # language -> the number of each item's group
Family = dict[str, tuple[Ints, int]]  # language -> its items' groups, and how many there are in all


def item_groups(
    ids: Mapping[str, Sequence[str]], parts: Mapping[str, Sequence[Any]], *, parallel: bool
) -> Groups:
    """The group of each item; the same number in two languages is the same group.

    Args:
        ids: language -> names of its items.
        parts: language -> of which passage or document each item is; of its file only.
        parallel: items of one name say the same in all languages (XQuAD, PUD, MLQA), so that
            their passages are one, whatever each file calls it.

    Raises InputError if there is not a name and a part for each item.
    """
    nodes: dict[Hashable, int] = {}
    joined: dict[str, tuple[list[int], list[int]]] = {}
    for language, names in ids.items():
        if len(names) != len(parts[language]):
            raise InputError(
                f"{language}: {len(names)} names and {len(parts[language])} passages or documents "
                "of items; expected as many"
            )
        keys = [(name if parallel else (language, name), "item") for name in names]
        wholes = [(language, part, "part") for part in parts[language]]
        joined[language] = (
            [nodes.setdefault(key, len(nodes)) for key in keys],
            [nodes.setdefault(whole, len(nodes)) for whole in wholes],
        )
    ends = np.concatenate([np.array(pair) for pair in joined.values()], axis=1)
    edges = coo_array((np.ones(ends.shape[1]), ends), shape=(len(nodes), len(nodes)))
    _, group_of_node = connected_components(edges, directed=False)
    return {language: group_of_node[items] for language, (items, _) in joined.items()}


def ungrouped(items: Mapping[str, int]) -> Groups:
    """Each item by itself, given how many each language has."""
    ends = np.cumsum(list(items.values()))
    return {
        language: np.arange(end - number, end)
        for (language, number), end in zip(items.items(), ends, strict=True)
    }


def families(groups: Groups) -> list[Family]:
    """Languages that share a group, directly or through others; their groups numbered from 0."""
    found: list[list[str]] = []
    for language, group_I in groups.items():
        near = [one for one in found if any(np.isin(group_I, groups[o]).any() for o in one)]
        found = [one for one in found if one not in near]
        found.append([*(name for one in near for name in one), language])
    numbered = []
    for family in found:
        known, place = np.unique(np.concatenate([groups[o] for o in family]), return_inverse=True)
        parts = np.split(place, np.cumsum([len(groups[o]) for o in family])[:-1])
        numbered.append({o: (part, len(known)) for o, part in zip(family, parts, strict=True)})
    return numbered
