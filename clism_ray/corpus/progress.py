"""What a stage of preparation tells while it runs and when it ends."""

import sys
import time
from datetime import timedelta

EVERY_S = 30.0
EVERY_S_ON_A_TERMINAL = 1.0


class Progress:
    """Lines on the standard error: one at the end, others on the way if that is long.

    On a terminal those on the way are written over.
    """

    def __init__(self, stage: str, what: str, total: int | None = None) -> None:
        self._stage = stage
        self._what = what
        self._total = total
        self._number = self._known = 0
        self._in_place = sys.stderr.isatty()
        self._every = EVERY_S_ON_A_TERMINAL if self._in_place else EVERY_S
        self._started = self._told = time.monotonic()

    def add(self, number: int, is_new: bool = True) -> None:
        """So many more; those that are not new were done by an earlier run."""
        self._number += number
        self._known += 0 if is_new else number
        now = time.monotonic()
        if now - self._told >= self._every:
            self._told = now
            self._tell(way(self._number, self._known, self._total, self._seconds()), "\r")

    def end(self) -> None:
        """The stage is over."""
        self._tell(end(self._number, self._known, self._what, self._seconds()), "\n")

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _tell(self, text: str, after: str) -> None:
        clear = "\r\x1b[K" if self._in_place else ""
        last = after if self._in_place else "\n"
        print(f"{clear}{self._stage:8}{text}", file=sys.stderr, end=last, flush=True)


def way(number: int, known: int, total: int | None, seconds: float) -> str:
    """How far a stage is: `known` of the number were done by an earlier run."""
    rate = (number - known) / max(seconds, 1e-3)
    if total is None:
        return f"{number:>12,} so far ({rate:,.1f}/s)"
    left = timedelta(seconds=round(max(total - number, 0) / rate)) if rate else "unknown"
    share = number / max(total, 1)
    return f"{number:>12,} of {total:,}, {share:.0%} ({rate:,.1f}/s), time left {left}"


def end(number: int, known: int, what: str, seconds: float) -> str:
    """What a stage did."""
    rate = (number - known) / max(seconds, 1e-3)
    earlier = f", {known:,} of them by an earlier run" if known else ""
    return f"{number:>12,} {what} in {seconds:,.1f} s ({rate:,.1f}/s){earlier}"
