"""Where files lie: a local path, or a URI that pyarrow or fsspec reads (s3://, gs://, hdfs://).

A path may hold `*` or name a folder. `*` stands for any part of a name, `**/` for any folders;
names that begin with a dot do not count. A folder stands for the files in it, without those
whose names begin with a dot or an underscore and without the folders in it. A URI may end in the
options that pyarrow takes, `?region=...&endpoint_override=...`.
"""

import gzip
import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias, cast
from urllib.parse import quote

import pyarrow as pa
from fsspec.core import url_to_fs
from pyarrow import fs

from clism_ray.errors import InputError, Unavailable

Location: TypeAlias = str | Path  # the str may be a URI

_PYARROW = ("file", "s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")  # fsspec has the rest
_REQUEST = 8 << 20  # bytes that are read from a remote file at once
_STARS = re.compile(r"(\*\*/|\*+)")


class Found(NamedTuple):
    """A file that a path stands for, and what its stars stand for in it."""

    path: str
    stars: tuple[str, ...]


def name_of(path: str) -> str:
    """The name of a file or folder, without the folders above it."""
    return Path(_split(path)[0]).name


def names_of(paths: Sequence[str]) -> list[str]:
    """As `name_of` each; where any two have one, each below the last folder that all are in."""
    names = [name_of(path) for path in paths]
    if len(set(names)) == len(names):
        return names
    parts = [_split(path)[0].split("/") for path in paths]
    levels = zip(*(folders[:-1] for folders in parts), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    return ["/".join(folders[shared:]) for folders in parts]


def located(path: str) -> str:
    """A URI as it is, or a local path from the root on."""
    return path if _is_uri(path) else str(Path(path).expanduser().resolve())


def from_root(path: str) -> str:
    """A URI as it is, or a local path or pattern from the root on, so that every node can take it.

    Links stay: a file is called by the name that was given. So does a `~` that no user is behind.
    """
    if _is_uri(path):
        return path
    return str(Path(os.path.expanduser(path)).absolute())  # noqa: PTH111


def below(folder: Location, name: str) -> str:
    """A path in a folder; the options of a URI stay its end."""
    location, query = _split(str(folder))
    return f"{location.rstrip('/')}/{name}{query}"


def find(path: str) -> list[Found]:
    """The files that a path stands for, in the order of their paths; local ones from the root on.

    Raises InputError where there is none, and where the storage cannot be reached.
    """
    path = from_root(path)
    location, query = _split(path)
    if "*" in location:
        found = _matches(location, query)
        if not found:
            raise InputError(f"{path}: no file fits the pattern")
        return found
    kind = info(path).type
    if kind == fs.FileType.File:
        return [Found(path, ())]
    if kind != fs.FileType.Directory:
        raise InputError(f"{path}: no such file")
    found = _matches(location.rstrip("/") + "/*", query)
    found = [file for file in found if not name_of(file.path).startswith("_")]
    if not found:
        raise InputError(f"{path}: no file in this folder")
    return found


def info(path: str) -> Any:
    """pyarrow's FileInfo of a path; InputError where the storage cannot be reached."""
    system, inner = system_of(path)
    with _reaching(path):
        return system.get_file_info(inner)


def sizes(folder: str) -> dict[str, int]:
    """Bytes of the files below a folder, by their paths in it; none where it does not exist."""
    system, inner = system_of(folder)
    selector = fs.FileSelector(inner, allow_not_found=True, recursive=True)
    with _reaching(folder):
        entries = [entry for entry in system.get_file_info(selector) if entry.is_file]
    return {entry.path[len(inner.rstrip("/")) + 1 :]: entry.size for entry in entries}


def read_bytes(path: str) -> bytes:
    """All of a small file, as it is stored."""
    with _reaching(path), _plain(path) as file:
        return file.read()


def sha256(path: str) -> str:
    """SHA-256 of a file as it is stored, in hexadecimal digits."""
    with _reaching(path), _plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_content(folder: Path) -> tuple[int, str]:
    """Size in bytes and hash of a local folder, without what has a dot before its name."""
    size, digest = 0, hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            size += path.stat().st_size
            digest.update(f"{name.as_posix()}\n{sha256(str(path))}\n".encode())
    return size, digest.hexdigest()


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file's content from its beginning, unpacked if its name ends in .gz or .zst."""
    suffix = Path(name_of(path)).suffix
    with _plain(path) as file:
        if suffix in (".gz", ".zst") and not file.peek(1):
            raise EOFError("packed files are never empty")
        match suffix:
            case ".gz":
                with gzip.open(file) as unpacked:
                    yield cast(BinaryIO, unpacked)
            case ".zst":
                with pa.CompressedInputStream(file, "zstd") as unpacked:
                    yield io.BufferedReader(unpacked, 1 << 16)
            case _:
                yield file


def system_of(path: str) -> tuple[Any, str]:
    """The pyarrow file system of a path, and the path inside of it."""
    if not _is_uri(path):
        return fs.LocalFileSystem(), path
    with _reaching(path):
        if path.partition("://")[0] in _PYARROW:
            location, query = _split(path)  # only pyarrow would read %20 as a space
            return cast(tuple[Any, str], fs.FileSystem.from_uri(quote(location, ":/@") + query))
        system, inner = url_to_fs(path)
        return fs.PyFileSystem(fs.FSSpecHandler(system)), inner


@contextmanager
def _plain(path: str) -> Iterator[io.BufferedReader]:
    if not _is_uri(path):
        with Path(path).open("rb") as file:
            yield file
        return
    system, inner = system_of(path)
    with system.open_input_stream(inner, compression=None) as stream:
        yield io.BufferedReader(stream, _REQUEST)


@contextmanager
def _reaching(path: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # fsspec raises what its many libraries raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise Unavailable(f"{path}: cannot be reached ({reason})") from error


def _matches(pattern: str, query: str) -> list[Found]:
    base, rest = _base(pattern)
    regex = re.compile("".join(_regex(part) for part in _STARS.split(rest)), re.DOTALL)
    system, inner = system_of(base + query)
    selector = fs.FileSelector(inner, allow_not_found=True, recursive="/" in rest)
    with _reaching(pattern + query):
        entries = [entry for entry in system.get_file_info(selector) if entry.is_file]
    found = []
    for entry in entries:
        name = entry.path[len(inner.rstrip("/")) + 1 :]
        match = regex.fullmatch(name)
        if match and not any(part.startswith(".") for part in name.split("/")):
            path = base.rstrip("/") + "/" + name + query
            found.append(Found(path, match.groups()))
    return sorted(found)


def _base(pattern: str) -> tuple[str, str]:
    """The folder above the first star, and the pattern inside it."""
    before = pattern[: pattern.index("*")]
    folder = before[: before.rfind("/") + 1]
    return folder or "./", pattern[len(folder) :]


def _regex(part: str) -> str:
    if part == "**/":
        return "((?:[^/]+/)*)"
    return "([^/]*)" if part.startswith("*") else re.escape(part)


def _split(path: str) -> tuple[str, str]:
    """A path, and the query of a URI with its question mark."""
    if not _is_uri(path):
        return path, ""
    location, mark, query = path.partition("?")
    return location, mark + query


def _is_uri(path: str) -> bool:
    return "://" in path
