"""English stop words: spaCy's list, read from its file, since spaCy itself would load PyTorch."""

import runpy
from importlib.util import find_spec
from pathlib import Path


def _read() -> frozenset[str]:
    spec = find_spec("spacy")  # looks, and does not import
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "lang" / "en" / "stop_words.py"
    return frozenset(runpy.run_path(str(path))["STOP_WORDS"])


STOP_WORDS = _read()
