"""Reasons for dropping in words: each that the code can give is explained."""

import ast
import inspect
from types import ModuleType
from typing import get_args

import pytest

from clism_ray.corpus import build, clean, contamination, intake, project
from clism_ray.corpus.readers import chunk
from clism_ray.report.reasons import MEANING

NO_REASONS = {"train", "dev", "in", "kept"}


def strings(module: ModuleType) -> set[str]:
    """Strings in the code of a module, its docstrings left out."""
    tree = ast.parse(inspect.getsource(module))
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is str}


def returned(module: ModuleType) -> set[str]:
    """Strings that functions of a module return."""
    return {
        node.value.value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Return)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    } - {""}


def test_every_reason_of_readers_cleaning_and_projection_is_explained() -> None:
    found = {*get_args(chunk.Reason), *get_args(project.Reason), *returned(clean)} - NO_REASONS
    assert {"undecodable", "length_ratio", "not_linked"} <= found
    assert found - {*MEANING} == set()


@pytest.mark.parametrize("reason", sorted(MEANING))
def test_every_explained_reason_can_be_given(reason: str) -> None:
    modules = (build, clean, contamination, intake, project, chunk)
    assert any(reason in strings(module) for module in modules)
