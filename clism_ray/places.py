"""Where what a job leaves may lie."""

from typing import Annotated

from pydantic import AfterValidator

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


Folder = Annotated[str, AfterValidator(check_folder)]
Place = Annotated[str, AfterValidator(check_place)]
