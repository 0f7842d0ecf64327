"""A prepared corpus in a second place, for clusters without a disk that all nodes share.

The manifest is copied last. A copy that was cut short is no corpus, and the next one goes over it.
"""

import sys
from pathlib import Path

from pyarrow import fs

from clism_ray.corpus.manifest import MANIFEST
from clism_ray.corpus.storage import below, info, located, sha256, system_of
from clism_ray.errors import InputError, Unavailable
from clism_ray.passwords import masked


def copy_corpus(folder: Path, place: str) -> None:
    """Copy a prepared corpus; nothing if it is there already.

    Raises InputError if another corpus is there, Unavailable if the place cannot be reached.
    """
    manifest = below(located(place), MANIFEST)
    if info(manifest).is_file:
        if sha256(manifest) != sha256(str(folder / MANIFEST)):
            raise InputError(
                f"copy_to {masked(place)}: another corpus is there already; name another place, or "
                f"remove it. {folder} is complete"
            )
        print(f"{masked(place)}: already copied", file=sys.stderr)
        return
    system, inner = system_of(located(place))
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    try:
        for name in sorted(files, key=lambda name: name == Path(MANIFEST)):
            system.create_dir(f"{inner}/{name.parent}", recursive=True)
            target = f"{inner}/{name.as_posix()}"
            fs.copy_files(str(folder / name), target, fs.LocalFileSystem(), system)
    except OSError as error:
        raise Unavailable(
            f"copy_to {masked(place)}: not copied ({masked(str(error))}); {folder} is complete, "
            "and the same command goes on with the copy"
        ) from error
