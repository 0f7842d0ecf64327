"""One process at a time for a folder."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clism_ray.errors import InputError


def holder(folder: Path) -> str | None:
    """Who works on a folder, in words; None if nobody does, as far as its file system can tell."""
    try:
        with folder.with_name(f"{folder.name}.lock").open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back at once
            except OSError as error:
                return file.read().strip() if error.errno == errno.EWOULDBLOCK else None
    except OSError:  # there is none, or it may not be read
        pass
    return None


@contextmanager
def hold(folder: Path, what: str, place: str = "storage", name: str = "name") -> Iterator[None]:
    """Keep other processes from working on a folder at the same time, with FOLDER.lock.

    `what` calls the work by a name that its user knows; `place` and `name` are the keys that move
    it. The system lets go when the process ends, however it ends. Who holds it may remove it.
    Raises InputError if another one has it, or if the storage cannot be written.
    """
    path = folder.with_name(f"{folder.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot make {path} ({error.strerror}); "
            f"give a folder that you may write with {place}=..."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                file.seek(0)
                raise InputError(
                    f"{what} is already driven by {file.read().strip()}; wait for it or stop it, "
                    f"or give this one another {name}=..."
                ) from error
            print(f"{path}: no lock on this file system ({error.strerror}); start it once only")
        if not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            raise InputError(f"{what} has just ended in another process; start this one again")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
