"""Passwords in URIs: what is printed, written or logged has `***` in their place.

A URI may hold one before its host, `scheme://user:password@host`, or in its query. What stands
there need not be written as the standard wants it, with `%2F` for a slash: it is hidden all the
same, up to the last `@` before a space. The name of the user is shown.
"""

import re
from typing import Any

HIDDEN = "***"

# After `host:5000/` an `@` is part of a path. Not so for databases: their drivers take all before
# it for a password.
_BEFORE_HOST = re.compile(
    r"(?P<start>\b[a-z][a-z0-9+.-]*://[^\s/?#:]*:)"
    r"(?P<password>\S*)@",
    re.IGNORECASE,
)
_PORT = re.compile(r"\b(?:https?|hdfs)://[^\s/?#:]*:\d+/", re.IGNORECASE)
_IN_QUERY = re.compile(
    r"(?P<key>[?&;][^\s=&;]*(?:password|passwd|pwd|secret|token|key|credential|signature|sig)"
    r"[^\s=&;]*=)[^\s&;#'\"]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """A text, or a URI, with the passwords of the URIs in it hidden. Twice is as good as once."""
    hidden = _BEFORE_HOST.sub(_without, text)
    return _IN_QUERY.sub(rf"\g<key>{HIDDEN}", hidden)


def masked_tree(tree: Any) -> Any:
    """Plain values, with the passwords in all texts hidden."""
    if isinstance(tree, dict):
        return {key: masked_tree(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [masked_tree(value) for value in tree]
    return masked(tree) if isinstance(tree, str) else tree


def _without(found: re.Match[str]) -> str:
    return found[0] if _PORT.match(found[0]) else f"{found['start']}{HIDDEN}@"
