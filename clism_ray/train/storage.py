"""Whether every node sees the same storage and may write there: a small task asks on each.

The driver leaves a token in a folder of its own below the storage. A task on each other node reads
it and answers with a file beside it, in which the driver must find the token again.
"""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from clism_ray.corpus.manifest import MANIFEST
from clism_ray.corpus.storage import below, sha256
from clism_ray.errors import InputError

PATIENCE_S = 120  # for all nodes together; a first task on a node starts a Python there
_TOKEN = "token"  # noqa: S105 - a file's name
_SHARED = "it must be a folder that all nodes share, on the same path"


class Node(NamedTuple):
    """A node of the cluster."""

    key: str
    address: str


def other_nodes() -> list[Node]:
    """The nodes that are alive, but for the driver's own."""
    own = ray.get_runtime_context().get_node_id()
    return [
        Node(node["NodeID"], node["NodeManagerAddress"])
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] != own
    ]


def check_storage(
    storage: Path, nodes: Sequence[Node], corpus: str | None = None, key: str = "storage"
) -> None:
    """Check that a storage can be written here and from some nodes, who see the same corpus.

    `key` is the setting that names it, for messages.

    Raises InputError, a sentence for each node that cannot work, if there is one.
    """
    token = secrets.token_hex(16)
    folder = storage / f".check-{token}"
    try:
        folder.mkdir(parents=True)
        (folder / _TOKEN).write_text(token, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{key} {storage} cannot be written ({error.strerror}); "
            f"give a folder that you may write with {key}=..."
        ) from error
    try:
        told = _ask(folder, token, nodes, corpus)
        problems = [
            problem
            for node in nodes
            if (problem := told[node] or _unseen(folder, token, node, storage))
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if problems:
        raise InputError("\n".join(problems))


def answer(folder: str, token: str, node: Node, corpus: str | None, manifest: str) -> str | None:
    """On a node: read the token, answer beside it; what is wrong in a sentence, or None."""
    storage = Path(folder).parent
    try:
        if (Path(folder) / _TOKEN).read_text(encoding="utf-8") != token:
            raise FileNotFoundError
        (Path(folder) / node.key).write_text(token, encoding="utf-8")
    except FileNotFoundError:
        return f"node {node.address} does not see the driver's storage in {storage}; {_SHARED}"
    except OSError as error:
        return f"node {node.address} cannot write to storage {storage} ({error.strerror})"
    if corpus is None:
        return None
    try:
        if sha256(below(corpus, MANIFEST)) == manifest:
            return None
    except InputError as error:
        if "://" in corpus:
            return f"node {node.address} does not reach the corpus: {error}"
    except OSError:
        pass
    return f"node {node.address} does not see the driver's corpus in {corpus}; {_SHARED}"


def _ask(
    folder: Path, token: str, nodes: Sequence[Node], corpus: str | None
) -> dict[Node, str | None]:
    """What each node says."""
    manifest = "" if corpus is None else sha256(below(corpus, MANIFEST))
    task = ray.remote(num_cpus=0, max_retries=0)(answer)
    asked = {
        task.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.key, soft=False)
        ).remote(str(folder), token, node, corpus, manifest): node
        for node in nodes
    }
    if not asked:
        return {}
    ready, late = ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE_S)
    said: dict[Node, str | None] = {}
    for reference in late:
        ray.cancel(reference, force=True)
        node = asked[reference]
        said[node] = f"node {node.address} did not answer within {PATIENCE_S} s; is it alive?"
    for reference in ready:
        node = asked[reference]
        try:
            said[node] = ray.get(reference)
        except RayError as error:
            said[node] = f"node {node.address} could not be asked: {str(error).splitlines()[0]}"
    return said


def _unseen(folder: Path, token: str, node: Node, storage: Path) -> str | None:
    path = folder / node.key
    if path.is_file() and path.read_text(encoding="utf-8") == token:
        return None
    return f"what node {node.address} writes to storage {storage} is not seen here; {_SHARED}"
