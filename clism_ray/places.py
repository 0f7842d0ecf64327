"""Where what a job leaves may lie."""

from typing import Annotated

from pydantic import AfterValidator


def check_folder(path: str) -> str:
    """The path itself; ValueError if it is a URI, which would be taken for a name of a folder."""
    if "://" in path:
        raise ValueError(
            "expected a folder that every node sees on the same path, not a URI; give one on a "
            "shared disk, or mount the storage there"
        )
    return path


Folder = Annotated[str, AfterValidator(check_folder)]
