"""What names the content of files and of models, whatever they are called."""

import hashlib
from functools import lru_cache
from pathlib import Path

from clism_ray.corpus.manifest import file_sha256
from clism_ray.errors import InputError

_WEIGHTS = (".safetensors", ".bin", ".json", ".model", ".txt")  # and tokenizers


def fingerprint(model: str, revision: str | None) -> str:
    """Of a model's weights and tokenizer: hashes of its files, or its name on the hub.

    Raises InputError if it is a path where no folder is.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or model.startswith("."):
            raise InputError(f"{model}: no such folder; expected a model's")
        return f"{model}@{revision or 'main'}"
    files = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHTS)
    text = "\n".join(f"{path.name} {hash_of(path)}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, read once while it stays as it is; InputError if there is none."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    known = path.stat()
    return _sha256(path, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=4096)  # cells of one evaluation share their files
def _sha256(path: Path, *_: int) -> str:
    return file_sha256(path)
