"""DeepSpeed without MLflow, which its autotuner would load: a second of every worker's start."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def _without(name: str, wanted: str) -> Any:
    """Import `wanted` as if `name` were not installed."""
    known = sys.modules.get(name)
    # None is what `import` takes for absent.
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        return import_module(wanted)
    finally:
        _restore(name, known)


def _restore(name: str, known: ModuleType | None) -> None:
    if known is None:
        del sys.modules[name]
    else:
        sys.modules[name] = known


deepspeed = _without("mlflow", "deepspeed")
compatible_ops = import_module("deepspeed.ops").__compatible_ops__
