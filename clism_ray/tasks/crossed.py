"""Scores of systems by runs and items, which are crossed: checked, and stacked.

Shapes: S systems, R runs, I items, K sums.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clism_ray.errors import InputError

Floats = NDArray[np.float64]
Items = NDArray[Any]  # R x I scores, or R x I x K counts, of one system on one language


def stack(results: Mapping[str, Mapping[str, Items]]) -> dict[str, Floats]:
    """S x R x I x K for each language."""
    if not results or not all(results.values()):
        raise InputError("no results to resample; expected system -> language -> runs x items")
    first, languages = next((name, list(by_language)) for name, by_language in results.items())
    shapes: dict[str, tuple[int, ...]] = {}
    stacked: dict[str, list[Floats]] = {language: [] for language in languages}
    for system, by_language in results.items():
        if set(by_language) != set(languages):
            raise InputError(
                f"{system} has the languages {', '.join(by_language)}; {first} has "
                f"{', '.join(languages)}; compare systems on the same ones"
            )
        for language in languages:
            data = _with_counts(by_language[language], f"{system}, {language}")
            expected = shapes.setdefault(language, data.shape)
            if data.shape != expected or data.shape[0] != shapes[languages[0]][0]:
                raise InputError(
                    f"{system}, {language}: {_extent(data.shape)}; {first} has "
                    f"{_extent(expected)}, and {_extent(shapes[languages[0]])} in {languages[0]}; "
                    "compare the same runs on the same items"
                )
            stacked[language].append(data)
    return {language: np.stack(data) for language, data in stacked.items()}


def _with_counts(items: Items, where: str) -> Floats:
    data = np.asarray(items, np.float64)
    if data.ndim == 2:
        data = np.stack([data, np.ones_like(data)], -1)
    if data.ndim != 3 or not data.size:
        raise InputError(f"{where}: shape {data.shape}; expected runs x items (x counts), not none")
    if not np.isfinite(data).all():
        raise InputError(f"{where}: a score that is no finite number; expected one for every item")
    return data


def _extent(shape: Sequence[int]) -> str:
    return f"{shape[0]} runs, {shape[1]} items and {shape[2]} sums of each"
