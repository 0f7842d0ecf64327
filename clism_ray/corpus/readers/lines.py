"""The lines of a text file, plain, .gz or .zst. Files are cut on the byte `\\n` only."""

import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from clism_ray.corpus.storage import opened
from clism_ray.errors import InputError, Unavailable

LINE_BYTES = 64 << 20  # no sentence is longer: a file with such a line is no text file
DAMAGE = (OSError, EOFError, zlib.error, pa.ArrowException)  # what reading on may raise
_BOM = b"\xef\xbb\xbf"


def raw_lines(path: str | Path) -> Iterator[bytes]:
    """The lines of a file without their ends; InputError where the file cannot be read on."""
    number = 0
    try:
        with opened(str(path)) as file:
            for number in itertools.count(1):
                line = file.readline(LINE_BYTES + 1)
                if not line:
                    return
                if len(line) > LINE_BYTES:
                    break
                if number == 1:
                    line = line.removeprefix(_BOM)
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    except DAMAGE as error:
        raise damaged(str(path), f"line {max(number - 1, 0)}", error) from error
    raise InputError(
        f"{path}, line {number}: over {LINE_BYTES >> 20} MiB without a line feed; "
        "expected text with lines that end in \\n"
    )


def damaged(path: str, last: str, error: BaseException) -> InputError:
    """The error of a file that cannot be read after `last`; Unavailable if its storage failed."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    what = f"{path}: cannot be read after {last} ({reason})"
    if device_failed(error):
        return Unavailable(f"{what}; try again when that is mended")
    if "://" in path:
        return Unavailable(f"{what}; the file is damaged or its storage failed: try again")
    return InputError(f"{what}; the file is damaged or cut short: fetch it again")


def device_failed(error: BaseException) -> bool:
    """Whether the system could not read, rather than a library make sense of what was read."""
    return isinstance(error, OSError) and error.errno is not None
