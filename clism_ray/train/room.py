"""Whether a disk has room for what is about to be written."""

import shutil
from pathlib import Path

START_AGAIN = "make room and start again"


def lack_of_room(run: Path, needed: int, what: str, advice: str = START_AGAIN) -> str | None:
    """A sentence, with what comes of it, if a run's disk has not so many bytes free."""
    free = shutil.disk_usage(run).free
    if free >= needed:
        return None
    return (
        f"no room for {what} in {run}: it takes about {needed / 2**20:.0f} MiB, "
        f"{free / 2**20:.0f} MiB are free; {advice}"
    )
