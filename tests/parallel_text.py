"""Files of parallel text, and what reading them gives."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.read import read_pairs
from clism_ray.errors import InputError
from clism_ray.records import SentencePair


def corpus(path: Path | str, format: str, **settings: Any) -> CorpusFiles:
    languages = {"source_language": "en", "target_language": "de"}
    return CorpusFiles(
        **{"name": "c", "format": format, "path": str(path), **languages, **settings}
    )


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".zst":
        content = pa.compress(content, "zstd", asbytes=True)
    path.write_bytes(content)
    return path


def texts(files: CorpusFiles) -> list[Any]:
    return [
        (entry.source, entry.target) if isinstance(entry, SentencePair) else entry.reason
        for entry in read_pairs(files)
    ]


def lines(files: CorpusFiles) -> list[int]:
    return [entry.origin.line for entry in read_pairs(files)]


def refusal(files: CorpusFiles) -> str:
    with pytest.raises(InputError) as error:
        list(read_pairs(files))
    assert "\n" not in str(error.value)
    return str(error.value)
