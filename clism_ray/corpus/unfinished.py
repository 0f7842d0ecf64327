"""Where a preparation works until its corpus is complete, and whether it may go on there.

    OUTPUT.unfinished/
        driver.lock          held by the process that drives the preparation
        made_by.json         what decides every byte of the pieces
        0f3a.../             the pieces, and in the end the prepared corpus; named by a hash of that

Tasks of a killed run may outlive it for a moment, and processes remember what they read by its
path. So another preparation has another path.
"""

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import clism_ray
from clism_ray.config import differences
from clism_ray.corpus.inputs import Input
from clism_ray.corpus.pieces import remove_parts, whole
from clism_ray.hold import hold

_RECORD = "made_by.json"
_LIBRARIES = (  # that decide bytes of a corpus
    *("anyascii", "datasets", "numpy", "py3langid", "pyarrow", "rapidfuzz", "spacy"),
    *("systran-align", "tokenizers", "torch", "transformers"),
)
_LINES = 10  # of differences that are shown


def is_there(output: Path) -> bool:
    """Whether something stands where the corpus is to be; an empty folder is nothing."""
    return output.exists() and not (output.is_dir() and not any(output.iterdir()))


def folder_of(output: Path) -> Path:
    """The folder of an unfinished preparation."""
    return output.with_name(output.name + ".unfinished")


@contextmanager
def held(output: Path) -> Iterator[None]:
    """Keep other processes from preparing the same output; InputError if one does.

    An output that is complete needs no writing, so none that is allowed.
    """
    folder = folder_of(output)
    if is_there(output) and not folder.exists():
        yield
        return
    with hold(folder / "driver", f"the preparation of {output}", "output", "output"):
        try:
            yield
        finally:
            if not any(path.is_dir() for path in folder.glob("*")):
                discard(output)


def made_by(inputs: Sequence[Input], made_of: dict[str, Any]) -> dict[str, Any]:
    """What decides the pieces: settings and files, the files' numbers, code and libraries."""
    digest = hashlib.sha256()
    for path in sorted(Path(clism_ray.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return {
        "made_of": made_of,
        "order": [f"{entry.files.name}/{entry.name}" for entry in inputs],
        "code": digest.hexdigest(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def open_folder(output: Path, made_by: dict[str, Any]) -> Path:
    """Where the pieces go: with those of an earlier run if the same made them, else empty."""
    folder = folder_of(output)
    tree = json.loads(json.dumps(made_by))
    digest = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
    pieces, record = folder / digest[:16], folder / _RECORD
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else None
    if known == tree and pieces.is_dir():
        print(f"{folder}: goes on where an earlier run stopped", file=sys.stderr)
        remove_parts(pieces)
        return pieces
    record.unlink(missing_ok=True)  # first: if wiping is cut short, nothing vouches for the rest
    for path in list(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix != ".lock":
            path.unlink()
    if known is not None and known != tree:
        lines = differences(known, tree)
        more = ["..."] if len(lines) > _LINES else []
        print(
            f"{folder}: an earlier run of other settings, files or code stopped here; "
            "this one starts anew. They differ in\n  " + "\n  ".join(lines[:_LINES] + more),
            file=sys.stderr,
        )
    with whole(record) as part:
        part.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    pieces.mkdir()
    return pieces


def complete(output: Path, pieces: Path) -> None:
    """Give the prepared corpus its name, and leave nothing else."""
    pieces.rename(output)
    discard(output)


def discard(output: Path) -> None:
    """Remove what a preparation that will not go on has left."""
    (folder_of(output) / _RECORD).unlink(missing_ok=True)  # first, as in `open_folder`
    shutil.rmtree(folder_of(output), ignore_errors=True)
