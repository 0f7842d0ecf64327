"""A pre-training run by its name, for jobs that are given no configuration."""

import difflib
from pathlib import Path

from clism_ray.errors import InputError

RECORD = "run.json"  # of a run, see `run`


def known_run(storage: Path, name: str) -> Path:
    """The folder of the run of this name; InputError, with the closest name, if there is none."""
    runs = storage.expanduser().resolve() / "runs"
    known = sorted(path.parent.name for path in runs.glob(f"*/{RECORD}"))
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        hint = f"did you mean {close[0]!r}?" if close else "there are no runs at all"
        raise InputError(f"no run {name!r} in {runs}; {hint}")
    return runs / name
