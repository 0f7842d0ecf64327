"""Python's search for cycles of objects, made seldom where there are many objects and no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000  # more than before start a search; Python's own number is 700


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Few searches within the block: rows by the thousand would be looked at again and again.

    What is in no cycle is freed as ever, as soon as nothing refers to it.
    """
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
