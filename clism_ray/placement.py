"""Which nodes of a cluster something may run on, by the labels that the nodes carry."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from clism_ray.errors import InputError

Resources = dict[str, float]
# As Ray takes them, but for its operators: a node has the value, or it has not.
LabelValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")]
Labels = dict[Annotated[str, Field(min_length=1)], LabelValue]

_RAYS_OWN = "ray.io/"  # it gives each node an id and a group as labels


class Node(NamedTuple):
    """A node: what it has, and what it is labelled with."""

    resources: Resources
    labels: Mapping[str, str]


def carries(node: Node, labels: Mapping[str, str]) -> bool:
    """Whether a node has all of these labels."""
    return labels.items() <= node.labels.items()


def carriers(nodes: Sequence[Node], labels: Mapping[str, str]) -> list[Node]:
    """The nodes that have all of these labels."""
    return [node for node in nodes if carries(node, labels)]


def check_labels(nodes: Sequence[Node], labels: Mapping[str, str], key: str) -> None:
    """Raise InputError if no node has the labels that the setting `key` asks for."""
    if not labels or carriers(nodes, labels):
        return
    there = Counter(written(_given(node)) or "none" for node in nodes)
    told = ", ".join(f"{number} with {labels}" for labels, number in sorted(there.items()))
    asked = written(labels)
    raise InputError(
        f"{key} asks for nodes with {asked}, but of the cluster's {len(nodes)} node(s) none has "
        f"that (labels: {told or 'none'}); start a node with `ray start --labels {asked}`, or "
        f"change {key}. A cluster that scales has to be asked for one first: see cluster/README.md"
    )


def written(labels: Mapping[str, str]) -> str:
    """Labels as `ray start --labels` takes them."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _given(node: Node) -> dict[str, str]:
    return {name: v for name, v in node.labels.items() if not name.startswith(_RAYS_OWN)}
