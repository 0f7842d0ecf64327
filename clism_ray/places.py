"""Where what a job leaves may lie."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from clism_ray.errors import InputError
from clism_ray.passwords import masked


def check_folder(path: str) -> str:
    """The path itself; ValueError if it is a URI, which would be taken for a name of a folder."""
    if "://" in path:
        raise ValueError(
            "expected a folder that every node sees on the same path, not a URI; give one on a "
            "shared disk, or mount the storage there"
        )
    return path


def check_place(path: str) -> str:
    """The path itself; ValueError if it is a URI that holds a password, as workers are told it."""
    if masked(path) != path:
        raise ValueError(
            f"holds a password, and Ray's dashboard shows it: {masked(path)}; leave it out, and "
            "give it to every node as the storage's own tools take it, such as AWS_ACCESS_KEY_ID"
        )
    return path


def made_folder(path: str) -> Path:
    """The folder, made unless it is there; InputError if it cannot be, or may not be written."""
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made a folder ({error.strerror}); give another one"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: may not be written; give another folder")
    return folder


Folder = Annotated[str, AfterValidator(check_folder)]
Place = Annotated[str, AfterValidator(check_place)]
