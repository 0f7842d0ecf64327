"""Before a run starts, every node is asked whether it sees the storage and the corpus."""

import os
from pathlib import Path

import pytest
import ray

from clism_ray.errors import InputError
from clism_ray.train.storage import Node, answer, check_storage, other_nodes
from tests.corpora import write_tiny_corpus

pytestmark = pytest.mark.ray


@pytest.fixture
def here(ray_cluster: None) -> Node:
    """The node of this cluster, asked as if it were another one."""
    (node,) = (Node(n["NodeID"], n["NodeManagerAddress"]) for n in ray.nodes() if n["Alive"])
    return node


def test_a_shared_storage_passes_and_keeps_no_trace(here: Node, tmp_path: Path) -> None:
    write_tiny_corpus(tmp_path / "corpus", rows=20, dev_rows=4)
    storage = tmp_path / "storage"
    assert other_nodes() == []
    check_storage(storage, [here], str(tmp_path / "corpus"))
    assert list(storage.iterdir()) == []


def test_a_node_that_sees_another_storage_or_is_gone_is_named(here: Node, tmp_path: Path) -> None:
    opened = os.open(tmp_path, os.O_RDONLY)
    own = Path(f"/proc/self/fd/{opened}")  # a path that means something else in each process
    gone = Node("a" * 56, "10.0.0.9")
    try:
        with pytest.raises(InputError) as refused:
            check_storage(own, [here, gone])
    finally:
        os.close(opened)
    one, other = str(refused.value).splitlines()
    assert f"node {here.address}" in one
    assert str(own) in one
    assert "node 10.0.0.9 could not be asked" in other
    assert list(tmp_path.iterdir()) == []


def test_what_a_node_may_find_is_told_in_a_sentence(tmp_path: Path) -> None:
    node, folder = Node("abc", "10.0.0.7"), tmp_path / ".check"
    folder.mkdir()
    (folder / "token").write_text("t")
    corpus = tmp_path / "corpus"
    write_tiny_corpus(corpus, rows=20, dev_rows=4)
    assert answer(str(folder), "t", node, None, "") is None
    assert (folder / "abc").read_text() == "t"
    told = answer(str(folder), "t", node, str(corpus), "another")
    assert told == (
        f"node 10.0.0.7 does not see the driver's corpus in {corpus}; "
        "it must be a folder that all nodes share, on the same path"
    )
    assert "does not see the driver's corpus" in str(
        answer(str(folder), "t", node, str(tmp_path / "none"), "another")
    )
    assert "does not see the driver's storage" in str(answer(str(folder), "u", node, None, ""))
    (folder / "abc").unlink()
    (folder / "abc").mkdir()
    assert "cannot write to storage" in str(answer(str(folder), "t", node, None, ""))


def test_a_storage_that_the_driver_cannot_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written \(Not a directory\).*storage=\.\.\."):
        check_storage(tmp_path / "file", [])
