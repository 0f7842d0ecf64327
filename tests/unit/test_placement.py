"""Nodes by their labels."""

import pytest

from clism_ray.errors import InputError
from clism_ray.placement import Node, carriers, check_labels

DATA = Node({"CPU": 2.0}, {"role": "data", "ray.io/node-id": "a"})
SPOT = Node({"CPU": 2.0}, {"role": "data", "market": "spot"})
PLAIN = Node({"CPU": 1.0}, {"ray.io/node-id": "b"})


def test_a_node_qualifies_with_all_labels_and_any_others() -> None:
    nodes = [DATA, SPOT, PLAIN]
    assert carriers(nodes, {}) == nodes
    assert carriers(nodes, {"role": "data"}) == [DATA, SPOT]
    assert carriers(nodes, {"market": "spot", "role": "data"}) == [SPOT]
    assert carriers(nodes, {"role": "train"}) == []


def test_labels_that_no_node_has_are_refused_with_those_that_are_there() -> None:
    check_labels([DATA, PLAIN], {"role": "data"}, "resources.labels")
    check_labels([], {}, "resources.labels")
    with pytest.raises(InputError) as refused:
        check_labels([DATA, SPOT, DATA, PLAIN], {"role": "train", "a": "b"}, "resources.labels")
    told = str(refused.value)
    assert told.startswith("resources.labels asks for nodes with a=b,role=train, but of the ")
    assert "(labels: 1 with market=spot,role=data, 1 with none, 2 with role=data)" in told
    assert "`ray start --labels a=b,role=train`" in told
