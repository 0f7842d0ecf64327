"""A prepared corpus in a second place, for clusters without a disk that all nodes share.

The manifest is copied last. A copy that was cut short, or has lost files since, is made whole.
"""

import json
import sys
from pathlib import Path

from pyarrow import fs

from clism_ray.corpus.manifest import MANIFEST, read_manifest
from clism_ray.corpus.storage import below, info, located, read_bytes, sizes, system_of
from clism_ray.errors import InputError, Unavailable
from clism_ray.passwords import masked


def check_reached(place: str) -> None:
    """Raise Unavailable if the place cannot be reached: better told before hours of work."""
    info(located(place))


def copy_corpus(folder: Path, place: str) -> None:
    """Copy a prepared corpus, but for the files that are there already in their full size.

    Raises InputError if another corpus is there or the place takes no files, Unavailable if it
    fails.
    """
    location = located(place)
    if _content_hash(location) not in (None, read_manifest(folder).content_hash):
        raise InputError(
            f"copy_to {masked(place)}: another corpus is there already; name another place, or "
            f"remove it. {folder} is complete"
        )
    there = sizes(location)
    missing = [name for name, size in sizes(str(folder)).items() if there.get(name) != size]
    if not missing:
        print(f"{masked(place)}: already copied", file=sys.stderr)
        return
    system, inner = system_of(location)
    try:
        for name in sorted(missing, key=lambda name: (name == MANIFEST, name)):
            target = f"{inner}/{name}"
            system.create_dir(target.rpartition("/")[0], recursive=True)
            fs.copy_files(str(folder / name), target, fs.LocalFileSystem(), system)
    except NotImplementedError as error:  # fsspec's, of places that can only be read
        raise InputError(
            f"copy_to {masked(place)}: files cannot be written there; name another place. "
            f"{folder} is complete"
        ) from error
    except OSError as error:
        raise Unavailable(
            f"copy_to {masked(place)}: not copied ({masked(str(error))}); {folder} is complete, "
            "and the same command goes on with the copy"
        ) from error


def _content_hash(location: str) -> str | None:
    """That of the corpus there; None if there is none, or what was cut short."""
    path = below(location, MANIFEST)
    if not info(path).is_file:
        return None
    try:
        return str(json.loads(read_bytes(path))["content_hash"])
    except (ValueError, KeyError, TypeError):
        return None
