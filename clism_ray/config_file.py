"""A configuration file: YAML whose tree is the tree of the classes in `config`.

Unknown keys are refused with their path and the closest name. `${NAME}` stands for an environment
variable. On top come overrides, `a.b=c`, with values in the same YAML.
"""

import dataclasses
import difflib
import os
import re
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml
from pydantic import TypeAdapter

from clism_ray.config import to_tree
from clism_ray.errors import InputError
from clism_ray.passwords import masked_tree

ConfigT = TypeVar("ConfigT")

_MOST_VALUES = 100_000  # of a configuration


class _Yaml(yaml.SafeLoader):
    """YAML 1.2's idea of booleans, numbers and keys: `no` is a string, `3e-4` is a number.

    A key that stands twice is an error, where PyYAML would take the last one; and so are aliases
    that hold themselves, or multiply to more values than a configuration has.
    """

    def get_single_node(self) -> yaml.Node | None:
        """The document; raises ComposerError, with the line, if it has no end worth waiting for."""
        try:
            node: yaml.Node | None = super().get_single_node()
            if node is not None:
                _values(node, {})
        except RecursionError:
            told = "it is nested too deeply, perhaps in itself"
            raise yaml.composer.ComposerError(None, None, told, self.get_mark()) from None
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The mapping; raises ComposerError, with the line, where a key is there already."""
        node = super().compose_mapping_node(anchor)
        names = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in names:
                told = f"the key {key.value!r} stands twice"
                raise yaml.composer.ComposerError(None, None, told, key.start_mark)
            names.add(key.value)
        return node


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node is with its aliases written out; `known` of nodes seen before."""
    if id(node) in known or isinstance(node, yaml.ScalarNode):
        return known.get(id(node), 1)
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    number = 1 + sum(_values(part, known) for part in parts)
    if number > _MOST_VALUES:
        told = f"with its aliases written out it has over {_MOST_VALUES:,} values"
        raise yaml.composer.ComposerError(None, None, told, node.start_mark)
    known[id(node)] = number
    return number


_Yaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_FLOAT = re.compile(r"^[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?$|^[-+]?\.inf$|^\.nan$")
_Yaml.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


class _Writer(yaml.SafeDumper):
    """Quotes also the strings that only YAML 1.2 takes for numbers, such as `1e5`."""


_Writer.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def load(kind: type[ConfigT], path: str | Path, overrides: Sequence[str] = ()) -> ConfigT:
    """Read a configuration of the given kind: defaults < file < overrides `a.b=c`.

    Raises InputError naming the file and the dotted path of whatever is wrong.
    """
    path = Path(path)
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_Yaml)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        raise InputError(f"{path}: expected a mapping of keys, got {type(tree).__name__}")
    for override in overrides:
        _override(tree, override)
    return parse(kind, tree, where=str(path))


def parse(kind: type[ConfigT], tree: dict[str, Any], where: str = "configuration") -> ConfigT:
    """Check a tree of plain values against a configuration class."""
    tree = _expand(tree, "", where)
    try:
        return TypeAdapter(kind).validate_python(tree)
    except pydantic.ValidationError as error:
        problems = error.errors()
        places = [problem["loc"] for problem in problems]
        lines = [  # of a place and one inside it, the inner one is the cause
            _describe(kind, problem)
            for problem in problems
            if not any(
                place[: len(problem["loc"])] == problem["loc"]
                for place in places
                if len(place) > len(problem["loc"])
            )
        ]
        raise InputError("\n".join(f"{where}: {line}" for line in lines)) from None


def to_yaml(config: Any) -> str:
    """The resolved configuration, to be kept and shown: the passwords in its URIs are hidden.

    Where there are none, `load` reads it back to the same value.
    """
    tree = masked_tree(to_tree(config))
    return yaml.dump(tree, Dumper=_Writer, sort_keys=False, allow_unicode=True)


def value_of(override: str) -> Any:
    """What stands right of the `=` of an override, with environment variables in their places."""
    try:
        value = yaml.load(override.partition("=")[2], Loader=_Yaml)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise InputError(f"override {override!r}: the value is not valid YAML: {error}") from error
    return _expand(value, override.partition("=")[0], "override")


def _override(tree: dict[str, Any], override: str) -> None:
    dotted, equals, _ = override.partition("=")
    if not equals or not dotted:
        raise InputError(f"override {override!r}: expected the form a.b=value")
    value = value_of(override)
    node: Any = tree
    *parents, last = dotted.split(".")
    for done, key in enumerate(parents):
        index = _index(node, key, override)
        if isinstance(node, dict) and not isinstance(node.get(index), dict | list):
            node[index] = {}
        node = node[index]
        if not isinstance(node, dict | list):
            raise InputError(
                f"override {override!r}: {'.'.join(parents[: done + 1])} is no section"
            )
    node[_index(node, last, override)] = value


def _index(node: dict[str, Any] | list[Any], key: str, override: str) -> Any:
    if isinstance(node, dict):
        return key
    if not key.isdigit() or int(key) >= len(node):
        raise InputError(f"override {override!r}: {key} is no position of a list of {len(node)}")
    return int(key)


def _expand(value: Any, path: str, where: str) -> Any:
    if isinstance(value, dict):
        return {k: _expand(v, f"{path}.{k}" if path else str(k), where) for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(item, f"{path}.{i}", where) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise InputError(
                f"{where}: {path}: the environment variable {match[1]} is not set; "
                f"set it, or give the path with {path}=..."
            )
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", variable, value)


def _describe(kind: Any, problem: Any) -> str:
    location = [part for part in problem["loc"] if not str(part).startswith("function-")]
    path = ".".join(map(str, location))
    if problem["type"] == "unexpected_keyword_argument":
        known = _fields(kind, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
        hint = f"did you mean {close[0]}?" if close else ""
        return f"{path}: unknown key; {hint} Known here: {', '.join(known)}"
    if problem["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return f"{path}: required, but missing"
    said = problem["msg"].removeprefix("Value error, ")
    if not isinstance(problem["input"], dict):
        said += f"; got {problem['input']!r}"
    return f"{path}: {said}" if path else said


def _fields(kind: Any, location: Iterable[Any]) -> list[str]:
    for part in location:
        if isinstance(part, int) or typing.get_origin(kind) is dict:
            kind = _inner(kind)
        else:
            kind = typing.get_type_hints(kind)[part]
        if isinstance(kind, types.UnionType):
            kind = next(arm for arm in typing.get_args(kind) if arm is not types.NoneType)
    return [field.name for field in dataclasses.fields(kind)]


def _inner(kind: Any) -> Any:
    while not dataclasses.is_dataclass(kind):
        kind = typing.get_args(kind)[-1 if typing.get_origin(kind) is dict else 0]
    return kind
