"""Kubernetes manifests against the schemas of their kinds, as the API server checks them.

A schema of a custom resource is one of OpenAPI: fields that it does not name are cut off without a
word, and so they are errors here.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

Tree = dict[str, Any]


def documents(path: Path) -> list[Tree]:
    """The manifests of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def schema_of(path: Path, version: str = "v1") -> Tree:
    """The strict schema in the gzipped definition of a custom resource."""
    with gzip.open(path) as file:
        definition = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    (found,) = (v for v in definition["spec"]["versions"] if v["name"] == version)
    return _strict(found["schema"]["openAPIV3Schema"])


def problems(manifest: Tree, schema: Tree) -> list[str]:
    """What is wrong with a manifest, each with its place."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def pods(tree: Any) -> Iterator[Tree]:
    """The pod specifications anywhere inside a manifest."""
    if isinstance(tree, dict):
        if "containers" in tree:
            yield tree
        for value in tree.values():
            yield from pods(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from pods(value)


def _strict(schema: Tree) -> Tree:
    """The schema in plain JSON Schema, with no other properties than those it names."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept = {
        key: value
        for key, value in schema.items()
        if key
        in ("type", "enum", "required", "minimum", "maximum", "pattern", "additionalProperties")
    }
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = _strict(kept["additionalProperties"])
    if "items" in schema:
        kept["items"] = _strict(schema["items"])
    if "properties" in schema:
        kept["properties"] = {name: _strict(inner) for name, inner in schema["properties"].items()}
        kept["additionalProperties"] = False
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        kept.pop("additionalProperties", None)
    return kept
