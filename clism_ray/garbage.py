"""Python's search for cycles of objects, made seldom where there are many objects and no cycles."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000  # more than before start a search; Python's own number is 700


def collect_seldom() -> None:
    """Few searches in this process from now on: importing, it would make a thousand of them.

    They were a tenth of the CPU time up to a run's first step. What is in no cycle is freed as
    ever, as soon as nothing refers to it. And none at its end: among all that was imported it
    takes three seconds, of memory that the system is about to have back.
    """
    _collect_seldom()
    atexit.register(gc.freeze)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """The same within the block alone: rows by the thousand would be looked at again and again."""
    before = gc.get_threshold()
    _collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _collect_seldom() -> None:
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
