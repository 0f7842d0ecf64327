"""Whether a disk has room for what is about to be written."""

import shutil
from pathlib import Path


def lack_of_room(run: Path, needed: int, what: str) -> str | None:
    """A sentence if a run's disk has not so many bytes free."""
    free = shutil.disk_usage(run).free
    if free >= needed:
        return None
    return (
        f"no room for {what} in {run}: it takes about {needed / 2**20:.0f} MiB, "
        f"{free / 2**20:.0f} MiB are free; make room and start again"
    )
