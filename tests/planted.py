"""A secret that is planted, and a look for it in everything that was written."""

from pathlib import Path

PLANTED = "pl4nted-SECRET-0f-5even"
_NAMES = """
AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN HF_TOKEN MLFLOW_TRACKING_PASSWORD MLFLOW_TRACKING_TOKEN
"""
VARIABLES = dict.fromkeys(_NAMES.split(), PLANTED)  # where the libraries that are used look for one


def leaks(*places: Path | str) -> list[str]:
    """The files below the folders, and the texts, that have the secret in them."""
    found = [place[:200] for place in places if isinstance(place, str) and PLANTED in place]
    for folder in (place for place in places if isinstance(place, Path)):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files, f"{folder} is empty"
        found += [str(path) for path in files if PLANTED.encode() in path.read_bytes()]
    return found
